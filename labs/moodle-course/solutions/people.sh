cat > /home/vivero/people.csv <<'END'
username,firstname,lastname,email,password
enfermeria1,Enfermera,Uno,enfermeria1@hospital.example,Clase-de-campus.2
enfermeria2,Enfermera,Dos,enfermeria2@hospital.example,Clase-de-campus.2
celador1,Celador,Uno,celador1@hospital.example,Clase-de-campus.2
docente1,Docente,Uno,docente1@hospital.example,Clase-de-campus.2
END
chown vivero: /home/vivero/people.csv
exec runuser -u www-data -- php /var/www/moodle-public/admin/tool/uploaduser/cli/uploaduser.php \
    --file=/home/vivero/people.csv --delimiter_name=comma
