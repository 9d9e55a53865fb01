<?php
// The few functions of Moodle's that personalise-moodle.php calls; what they are told is kept in the one table.
define('SITEID', 1);

function stand_in_database(): mysqli
{
    global $CFG;
    static $database = null; // kept, for a statement does not outlive its connection
    return $database ??= new mysqli('localhost', $CFG->dbuser, $CFG->dbpass, $CFG->dbname, 0, $CFG->dboptions['dbsocket']);
}

function set_config(string $name, string $value): void
{
    $statement = stand_in_database()->prepare('REPLACE INTO stand_in VALUES (?, ?)');
    $statement->execute([$name, $value]);
}

function get_admin(): stdClass
{
    return (object) ['id' => 2];
}

function update_internal_user_password(stdClass $user, string $password): void
{
    set_config('password', $password);
}

function random_string(int $length): string
{
    return str_repeat('x', $length);
}

$DB = new class {
    public function set_field(string $table, string $field, string $value, array $where): void
    {
        set_config("$table.$field", $value);
    }
};
