// argv -> command.
import { Command, CommanderError } from 'commander'
import { hasDesktop } from './cli/browser.ts'
import { cleanupCommand } from './cli/cleanup.ts'
import { cloneCommand } from './cli/clone.ts'
import { compareCommand } from './cli/compare.ts'
import { copyCommand } from './cli/copy.ts'
import { exitCode } from './cli/exit.ts'
import { fleetCommand } from './cli/fleet.ts'
import { followCommand } from './cli/follow.ts'
import { healthCommand } from './cli/health.ts'
import { crash, crashCode } from './cli/interrupt.ts'
import { licensesCommand } from './cli/licenses.ts'
import { listCommand } from './cli/list.ts'
import { preflightCommand } from './cli/preflight.ts'
import { recopyCommand } from './cli/recopy.ts'
import { repairCommand } from './cli/repair.ts'
import { rolesCommand } from './cli/roles.ts'
import { serveCommand } from './cli/serve.ts'
import { statusCommand } from './cli/status.ts'
import { steeringCommands } from './cli/steer.ts'
import { switchoverCommand } from './cli/switchover.ts'
import { tuiCommand } from './cli/tui.ts'
import { version } from './cli/version.ts'
import { workerCommand } from './cli/worker.ts'
import { print, tell } from './output.ts'
import { PgtrekError, UsageError } from './postgres/errors.ts'

const program = new Command('pgtrek')
  .description('Moves PostgreSQL databases to PostgreSQL: schema and rows, whole, fast and right.')
  .version(version, '-V, --version', 'print the version')
  .helpCommand('help [command]', 'explain a command')
  .showHelpAfterError('(pgtrek help [command] explains more)')
  .exitOverride()
  .configureOutput({
    writeErr: (text) => tell(text.replace(/\n$/, '')),
    writeOut: (text) => print([text.replace(/\n$/, '')]),
  })
const migrating = [cloneCommand(), copyCommand(), workerCommand(), rolesCommand(), repairCommand()]
const following = [
  fleetCommand(),
  followCommand(),
  recopyCommand(),
  switchoverCommand(),
  cleanupCommand(),
  ...steeringCommands(),
]
const looking = [statusCommand(), tuiCommand(), listCommand(), preflightCommand(), licensesCommand()]
for (const command of [...migrating, ...following, ...looking, serveCommand(), healthCommand()]) {
  program.addCommand(command.copyInheritedSettings(program))
}
program.addCommand(compareCommand(program))
program
  .command('version')
  .description('print the version')
  .action(() => {
    print([`pgtrek ${version}`])
  })

// Whoever just starts it wants to see it.
if (process.argv.length <= 2) process.argv.push('serve', ...(hasDesktop() ? ['--open'] : []))

// A terminal or a pipe that is gone takes nothing any more; that must not end what has to be ended cleanly.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // The library has printed its message; asking for help or the version is no mistake.
    process.exit(error.exitCode === 0 ? exitCode.done : exitCode.usage)
  }
  if (error instanceof PgtrekError) {
    tell(`pgtrek: ${error.message}`)
    process.exit(error instanceof UsageError ? exitCode.usage : exitCode.cannotRun)
  }
  crash(error)
}
// Whatever a lost connection may have left behind must not keep the process; a pipe gets all it was sent.
await new Promise<void>((resolve) => process.stdout.once('error', () => resolve()).end(() => resolve()))
process.exit(crashCode())
