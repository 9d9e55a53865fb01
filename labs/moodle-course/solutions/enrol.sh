exec runuser -u www-data -- php <<'END'
<?php
define('CLI_SCRIPT', true);
require '/var/www/moodle/config.php';
\core\session\manager::set_user(get_admin());
$course = $DB->get_record('course', ['shortname' => 'HIGIENE'], '*', MUST_EXIST);
$people = ['enfermeria1' => 'student', 'enfermeria2' => 'student', 'celador1' => 'student', 'docente1' => 'editingteacher'];
foreach ($people as $username => $role) {
    $user = $DB->get_field('user', 'id', ['username' => $username], MUST_EXIST);
    enrol_try_internal_enrol($course->id, $user, $DB->get_field('role', 'id', ['shortname' => $role], MUST_EXIST)) || exit(1);
}
END
