<?php
define('CLI_SCRIPT', true);
require __DIR__ . '/../../config.php';
$database = new mysqli('localhost', $CFG->dbuser, $CFG->dbpass, $CFG->dbname, 0, $CFG->dboptions['dbsocket']);
$database->query('CREATE TABLE stand_in (name VARCHAR(40) PRIMARY KEY, value VARCHAR(200))');
