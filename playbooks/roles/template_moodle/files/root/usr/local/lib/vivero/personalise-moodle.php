<?php
// Name, language and administrator of one machine's Moodle. Values come by environment, never as arguments.
define('CLI_SCRIPT', true);
require '/var/www/moodle/config.php';
$read = fn (string $name, string $otherwise): string => getenv("VIVERO_PARAMETER_$name") ?: $otherwise;
$admin = get_admin();
update_internal_user_password($admin, $read('ADMIN_PASSWORD', bin2hex(random_bytes(16))));
$DB->set_field('user', 'email', $read('ADMIN_EMAIL', 'admin@localhost.localdomain'), ['id' => $admin->id]);
$DB->set_field('course', 'fullname', $read('TITLE', 'Moodle'), ['id' => SITEID]);
$DB->set_field('course', 'shortname', mb_substr($read('TITLE', 'Moodle'), 0, 40), ['id' => SITEID]);
$language = $read('LANGUAGE', 'es') === 'es' && is_dir("$CFG->dataroot/lang/es") ? 'es' : 'en';
set_config('lang', $language);
$DB->set_field('user', 'lang', $language, ['id' => $admin->id]);
set_config('siteidentifier', random_string(32) . php_uname('n'));
set_config('timezone', 'Europe/Madrid');
