<?php
require __DIR__ . '/../config.php';
$kept = array_column(stand_in_database()->query('SELECT name, value FROM stand_in')->fetch_all(), 1, 0);
echo "{$kept['course.fullname']} ({$kept['lang']}), admin: {$kept['password']}";
