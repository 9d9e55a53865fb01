<?php
// Vivero's settings for MediaWiki. What differs from machine to machine stands in vivero.json, made at the first boot.
if (!defined('MEDIAWIKI')) {
    exit;
}
$vivero = json_decode((string) @file_get_contents('/etc/mediawiki/vivero.json'), true) ?: [];

$wgSitename = $vivero['title'] ?? 'Wiki';
$wgMetaNamespace = 'Wiki';
$wgLanguageCode = $vivero['language'] ?? 'es';
$wgSecretKey = $vivero['secret_key'] ?? '';
$wgUpgradeKey = false;

// The wiki answers under whatever name or address the machine is called by.
$host = $_SERVER['HTTP_HOST'] ?? 'localhost';
$wgServer = 'http://' . (preg_match('/^[a-z0-9.:-]{1,100}$/iD', $host) ? $host : 'localhost');
$wgScriptPath = '';
$wgResourceBasePath = $wgScriptPath;

$wgDBtype = 'mysql';
$wgDBserver = 'localhost:/run/mysqld/mysqld.sock';
$wgDBname = 'mediawiki';
$wgDBuser = 'www-data';
$wgDBpassword = '';
$wgDBTableOptions = 'ENGINE=InnoDB, DEFAULT CHARSET=binary';

$wgMainCacheType = CACHE_ACCEL;
$wgEnableEmail = false;
$wgEnableUploads = false;
$wgPingback = false;
$wgJobRunRate = 1;
$wgGroupPermissions['*']['createaccount'] = false;
$wgGroupPermissions['*']['edit'] = false;
wfLoadSkin('Vector');
$wgDefaultSkin = 'vector';
