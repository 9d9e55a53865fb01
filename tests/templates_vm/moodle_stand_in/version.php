<?php
// A stand-in of Moodle's shape for the tests of our role; it shares no line with Moodle.
$release = 'stand-in';
