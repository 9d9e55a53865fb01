exec runuser -u www-data -- php <<'END'
<?php
// The generator is what Moodle's own command for test courses uses.
define('CLI_SCRIPT', true);
require '/var/www/moodle/config.php';
require_once "$CFG->libdir/phpunit/classes/util.php";
\core\session\manager::set_user(get_admin());
$course = $DB->get_record('course', ['shortname' => 'HIGIENE'], '*', MUST_EXIST);
$make = phpunit_util::get_data_generator();
$make->get_plugin_generator('mod_page')->create_instance([
    'course' => $course,
    'name' => 'Los cinco momentos',
    'content' => '<p>Antes del paciente, antes de una tarea limpia, tras un riesgo, tras el paciente y tras su entorno.</p>',
    'contentformat' => FORMAT_HTML,
]);
$make->get_plugin_generator('mod_assign')->create_instance([
    'course' => $course,
    'name' => 'Su planta',
    'duedate' => time() + 7 * DAYSECS,
    'assignsubmission_onlinetext_enabled' => 1,
    'submissiondrafts' => 0,
]);
END
