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
$host = $_SERVER['HTTP_HOST'] ?? 'localhost';
$CFG->wwwroot = 'http://' . (preg_match('/^[a-z0-9.:-]{1,100}$/iD', $host) ? $host : 'localhost');
$CFG->dataroot = '/var/lib/moodledata';
$CFG->admin = 'admin';
$CFG->directorypermissions = 02770;
$CFG->disableupdatenotifications = true;
require_once(__DIR__ . (is_dir(__DIR__ . '/public/lib') ? '/public' : '') . '/lib/setup.php');
