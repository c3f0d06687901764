// argv -> command.
import { Command, CommanderError } from 'commander'
import { hasDesktop } from './cli/browser.ts'
import { cleanupCommand } from './cli/commands/cleanup.ts'
import { clientCommand } from './cli/commands/client.ts'
import { cloneCommand } from './cli/commands/clone.ts'
import { compareCommand } from './cli/commands/compare.ts'
import { copyCommand } from './cli/commands/copy.ts'
import { createDatabaseCommand } from './cli/commands/create-database.ts'
import { preflightCommand } from './cli/commands/doctor.ts'
import { fleetCommand } from './cli/commands/fleet.ts'
import { followCommand } from './cli/commands/follow.ts'
import { healthCommand } from './cli/commands/health.ts'
import { licensesCommand } from './cli/commands/licenses.ts'
import { listCommand } from './cli/commands/list.ts'
import { recopyCommand } from './cli/commands/recopy.ts'
import { repairCommand } from './cli/commands/repair.ts'
import { rolesCommand } from './cli/commands/roles.ts'
import { scheduleCommand } from './cli/commands/schedule.ts'
import { serveCommand } from './cli/commands/serve.ts'
import { statusCommand } from './cli/commands/status.ts'
import { steeringCommands } from './cli/commands/steer.ts'
import { switchoverCommand } from './cli/commands/switchover.ts'
import { tuiCommand } from './cli/commands/tui.ts'
import { workerCommand } from './cli/commands/worker.ts'
import { exitCode } from './cli/exit.ts'
import { crash, crashCode } from './cli/interrupt.ts'
import { PgtrekError, UsageError } from './postgres/errors.ts'
import { print, tell } from './system/output.ts'
import { version } from './system/version.ts'

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
const preparing = [createDatabaseCommand()]
const looking = [statusCommand(), tuiCommand(), listCommand(), preflightCommand(), licensesCommand()]
for (const command of [
  ...migrating,
  ...preparing,
  ...following,
  ...looking,
  serveCommand(),
  clientCommand(),
  healthCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program))
}
program.addCommand(compareCommand(program))
program.addCommand(scheduleCommand(program))
program
  .command('version')
  .description('print the version')
  .action(() => {
    print([`pgtrek ${version}`])
  })

// Without arguments the page is opened.
if (process.argv.length <= 2) process.argv.push('serve', ...(hasDesktop() ? ['--open'] : []))

// Output to a closed terminal or pipe must not end the process before its cleanup.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) {
    // The library has printed its message. A request for help or the version is no error.
    process.exit(error.exitCode === 0 ? exitCode.done : exitCode.usage)
  }
  if (error instanceof PgtrekError) {
    tell(`pgtrek: ${error.message}`)
    process.exit(error instanceof UsageError ? exitCode.usage : exitCode.cannotRun)
  }
  crash(error)
}
// Timers and sockets that a lost connection may have left must not keep the process. All output to a pipe is written first.
await new Promise<void>((resolve) => process.stdout.once('error', () => resolve()).end(() => resolve()))
process.exit(crashCode())
