exec runuser -u www-data -- php <<'END'
<?php
define('CLI_SCRIPT', true);
require '/var/www/moodle/config.php';
require_once "$CFG->libdir/phpunit/classes/util.php";
require_once "$CFG->dirroot/mod/assign/locallib.php";
require_once "$CFG->dirroot/mod/page/lib.php";
\core\session\manager::set_user($DB->get_record('user', ['username' => 'enfermeria1'], '*', MUST_EXIST));
$course = $DB->get_record('course', ['shortname' => 'HIGIENE'], '*', MUST_EXIST);
$modules = get_fast_modinfo($course);
$page = current($modules->get_instances_of('page'));
page_view($DB->get_record('page', ['id' => $page->instance]), $course, $page->get_course_module_record(), $page->context);
$task = current($modules->get_instances_of('assign'));
phpunit_util::get_data_generator()->get_plugin_generator('mod_assign')->create_submission([
    'userid' => $USER->id,
    'cmid' => $task->id,
    'onlinetext' => '<p>En mi planta faltan dos dispensadores.</p>',
]);
END
