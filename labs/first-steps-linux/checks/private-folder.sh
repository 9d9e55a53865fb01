for home in /home/vivero /root; do
    case "$(stat -c %a "$home/notes" 2>/dev/null)" in
    700 | 500) exit 0 ;;
    "") ;;
    *) ls -ld "$home/notes" ;;
    esac
done
exit 1
