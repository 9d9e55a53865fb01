<?php
// Vivero's settings for Moodle: the data base by the local socket, and the name by which the machine is called.
unset($CFG);
global $CFG;
$CFG = new stdClass();
$CFG->dbtype = 'mariadb';
$CFG->dblibrary = 'native';
$CFG->dbhost = 'localhost';
$CFG->dbname = 'moodle';
$CFG->dbuser = 'www-data';
$CFG->dbpass = '';
$CFG->prefix = 'mdl_';
$CFG->dboptions = ['dbsocket' => '/run/mysqld/mysqld.sock', 'dbcollation' => 'utf8mb4_unicode_ci'];
// Behind a class's door, or the hospital's own proxy, TLS ends before this machine: Host and this header are the browser's.
$host = $_SERVER['HTTP_HOST'] ?? 'localhost';
$CFG->sslproxy = ($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https';
$CFG->wwwroot = ($CFG->sslproxy ? 'https://' : 'http://')
    . (preg_match('/^[a-z0-9.:-]{1,100}$/iD', $host) ? $host : 'localhost');
$CFG->dataroot = '/var/lib/moodledata';
$CFG->admin = 'admin';
$CFG->directorypermissions = 02770;
$CFG->disableupdatenotifications = true;
$CFG->cron_keepalive = 0; // cron begins every minute: three that wait for each other are too many for a small machine
require_once(__DIR__ . (is_dir(__DIR__ . '/public/lib') ? '/public' : '') . '/lib/setup.php');
