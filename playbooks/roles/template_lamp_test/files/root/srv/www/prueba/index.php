<?php
// The test page: says what works on this machine. Replace this folder with your own application.
mysqli_report(MYSQLI_REPORT_OFF);
$settings = parse_ini_file('/etc/vivero-prueba.ini') ?: [];
$database = @new mysqli('localhost', 'prueba', $settings['password'] ?? '', 'prueba');
$works = [
    'PHP ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION => true,
    'MariaDB' => !$database->connect_error,
    'Reloj / clock: ' . date('c') => true,
];
?>
<!doctype html>
<html lang="es">
<head><meta charset="utf-8"><title><?= htmlspecialchars(gethostname()) ?></title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:1.2rem sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}</style></head>
<body><h1>Entorno de pruebas <?= htmlspecialchars(gethostname()) ?></h1>
<ul>
<?php foreach ($works as $what => $ok) { ?>
<li><?= htmlspecialchars($what) ?>: <?= $ok ? 'funciona · works' : 'no funciona · does not work' ?></li>
<?php } ?>
</ul>
<p>Ponga su aplicación en <code>/srv/www/prueba</code>. <span lang="en">Put your application there.</span></p>
</body></html>
