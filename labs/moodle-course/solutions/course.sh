exec runuser -u www-data -- php <<'END'
<?php
define('CLI_SCRIPT', true);
require '/var/www/moodle/config.php';
require_once "$CFG->dirroot/course/lib.php";
\core\session\manager::set_user(get_admin());
if (!$DB->record_exists('course', ['shortname' => 'HIGIENE'])) {
    create_course((object) [
        'fullname' => 'Higiene de manos',
        'shortname' => 'HIGIENE',
        'category' => core_course_category::get_default()->id,
        'summary' => '<p>Los cinco momentos de la higiene de manos.</p>',
        'summaryformat' => FORMAT_HTML,
    ]);
}
END
