<?php
/**
 * Fed to `php -- ROOT NAME...`: PrestaShop's own upgrade of modules whose files are in place already.
 *
 * The same as `bin/console prestashop:module upgrade NAME`, but: in the environment that customers get; without the
 * helpers that fetch another version over the files that were tested; and told from what is left behind. For the
 * console reports success over a failure, and a migration that failed leaves the new version in the database and the
 * module switched off.
 */
list(, $root) = $argv;
$names = array_slice($argv, 2);
defined('STDIN') || define('STDIN', fopen('php://memory', 'r')); // by this PrestaShop knows that nobody need be logged in
chdir($root);
putenv('SYMFONY_ENV=prod');
foreach (array('http_proxy', 'https_proxy', 'all_proxy') as $way) {
    putenv("$way=http://127.0.0.1:9"); // nobody listens there: whatever is downloaded would not be what was tested
}
ini_set('memory_limit', '-1');
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED & ~E_NOTICE & ~E_WARNING);
require $root . '/config/config.inc.php';
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED & ~E_NOTICE & ~E_WARNING);

foreach (array('ps_mbo', 'ps_distributionapiclient') as $helper) {
    $id = (int) Db::getInstance()->getValue('SELECT id_module FROM ' . _DB_PREFIX_ . "module WHERE name = '$helper'");
    if ($id && method_exists('Hook', 'disableHooksForModule')) {
        Hook::disableHooksForModule($id);
    }
}
if (!method_exists('Hook', 'disableHooksForModule')) {
    $hooks = Hook::getHookModuleExecList() ?: array();
    $key = Hook::MODULE_LIST_BY_HOOK_KEY . '_' . Context::getContext()->shop->id;
    foreach ($hooks as $hook => $called) {
        $hooks[$hook] = array_filter($called, function ($one) {
            return !in_array($one['module'], array('ps_mbo', 'ps_distributionapiclient'), true);
        });
    }
    Cache::store($key, $hooks);
}

/** Whether the module is on in any shop, read past PrestaShop's cache of queries. */
function is_on(string $name): bool
{
    return (bool) Db::getInstance()->getValue(
        'SELECT COUNT(*) FROM ' . _DB_PREFIX_ . 'module m JOIN ' . _DB_PREFIX_ . 'module_shop s USING (id_module)'
        . " WHERE m.active = 1 AND m.name = '" . pSQL($name) . "'",
        false
    );
}

require_once $root . '/app/AppKernel.php';
$of_nine = $root . '/app/AdminKernel.php'; // PrestaShop 9 has a kernel for each of its faces
if (is_file($of_nine)) {
    require_once $of_nine;
}
class_alias(is_file($of_nine) ? 'AdminKernel' : 'AppKernel', 'ShopKernel');

/**
 * PrestaShop empties and refills its whole cache as each upgrade's process ends, which takes longer than the upgrade.
 * Palier empties it itself, once, after the last module. (PrestaShop finds this one under the global name $kernel.)
 */
class PalierKernel extends ShopKernel
{
    /** @var bool whether all upgrades have ended */
    public static $done = false;

    /** PrestaShop 8 refills only who gets this lock. */
    public function locksCacheClear(): bool
    {
        return false;
    }

    /** PrestaShop 1.7 knows no lock: it starts the kernel once more, as the process ends. */
    public function boot()
    {
        if (self::$done) {
            throw new RuntimeException('the upgrade has ended');
        }
        parent::boot();
    }
}

$kernel = new PalierKernel('prod', false);
$application = new Symfony\Bundle\FrameworkBundle\Console\Application($kernel);
$application->setAutoExit(false);
foreach ($names as $name) {
    $said = new Symfony\Component\Console\Output\BufferedOutput();
    $was_on = is_on($name);
    $words = array('command' => 'prestashop:module', 'action' => 'upgrade', 'module name' => $name);
    $status = $application->run(new Symfony\Component\Console\Input\ArrayInput($words), $said);
    $recorded = Db::getInstance()->getValue(
        'SELECT version FROM ' . _DB_PREFIX_ . "module WHERE name = '" . pSQL($name) . "'",
        false
    );
    $module = Module::getInstanceByName($name);
    $errors = $module ? $module->getErrors() : array();
    if ($was_on && !is_on($name)) {
        $errors[] = 'PrestaShop has switched it off';
    }
    if ($status || !$module || $recorded !== $module->version || $errors) {
        $told = $said->fetch();
        foreach ($errors as $error) {
            $told .= false === strpos($told, (string) $error) ? "; $error" : '';
        }
        $why = strip_tags($told);
        file_put_contents('php://stderr', "$name: " . trim(preg_replace('/\s+/', ' ', $why)) . "\n");
        exit(3);
    }
    echo "$name $recorded\n";
}
Hook::exec('actionClearSf2Cache'); // what PrestaShop tells modules once its cache has been emptied
PalierKernel::$done = true;
