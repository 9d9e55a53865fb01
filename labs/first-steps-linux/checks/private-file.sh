for home in /home/vivero /root; do
    case "$(stat -c %a "$home/notes/today.txt" 2>/dev/null)" in
    600 | 400) exit 0 ;;
    "") ;;
    *) ls -l "$home/notes/today.txt" ;; # how it is now, for the student
    esac
done
exit 1
