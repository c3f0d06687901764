// `pgtrek roles`: copies the roles of an instance to another one, with memberships, settings, grants and passwords.
import { readFileSync } from 'node:fs'
import { Value } from '@sinclair/typebox/value'
import { Command, InvalidArgumentError, Option } from 'commander'
import { eitherOf } from '../../../shared/option-table.ts'
import { Pattern, PatternError } from '../../../shared/pattern.ts'
import { type RoleMode, RoleOptions, roleModes } from '../../../shared/roles.ts'
import { Cancelled, UsageError } from '../../postgres/errors.ts'
import { moveRoles } from '../../roles/move.ts'
import { print, tell } from '../../system/output.ts'
import { askToContinue } from '../confirm.ts'
import { exitCode } from '../exit.ts'
import { addConfiguredConnectionFlags } from '../flags/connection.ts'
import { type Ends, endsOf, requestOf, tellWarnings } from '../flags/request.ts'
import { splitList } from '../flags/words.ts'
import { interruptible } from '../interrupt.ts'
import { changeLines, roleLines, roleVerdict } from '../render/roles.ts'
import { styleFor } from '../render/style.ts'

interface RolesFlags {
  roles?: RoleMode
  includeRole?: string[]
  excludeRole?: string[]
  passwords: boolean
  passwordFile?: string
  dryRun?: boolean
  yes?: boolean
  quiet?: boolean
  json?: boolean
}

export const passwordVariable = 'PGTREK_ROLE_PASSWORD'

export function rolesCommand(): Command {
  const command = new Command('roles').description(
    'copy the roles of a server to another one, with memberships, settings and passwords',
  )
  addConfiguredConnectionFlags(command)
  const pattern = (flag: string, meaning: string) =>
    new Option(`--${flag} <pattern>`, `${meaning}, with * and ? (repeatable, or a comma list)`).argParser(
      collectPatterns,
    )
  command
    .addOption(
      new Option(
        `--roles <${roleModes.join('|')}>`,
        'existing roles: add what they lack (merge), leave them (skip), or refuse differences (fail)',
      ).argParser(roleMode),
    )
    .addOption(pattern('include-role', 'only these roles'))
    .addOption(pattern('exclude-role', 'not these roles'))
    .option('--no-passwords', 'do not copy passwords')
    .option(
      '--password-file <file>',
      `file whose first line is the password for roles whose own cannot be read (or env: ${passwordVariable})`,
    )
    .option('--dry-run', 'print the plan and stop; nothing is written')
    .option('--yes', 'do not ask before existing roles get more rights')
    .option('--quiet', 'print only what needs a decision, and the closing line')
    .option('--json', 'print one JSON object on standard output')
  return command.action(async () => {
    const request = requestOf(command)
    const ends = endsOf(request)
    tellWarnings(request, ends)
    process.exitCode = await run(ends, command.opts<RolesFlags>())
  })
}

async function run(ends: Ends, flags: RolesFlags): Promise<number> {
  const options: RoleOptions = {
    ...Value.Create(RoleOptions),
    ...(flags.roles && { roles: flags.roles }),
    includeRoles: flags.includeRole ?? [],
    excludeRoles: flags.excludeRole ?? [],
    passwords: flags.passwords,
  }
  const commonPassword = flags.passwords ? commonPasswordOf(flags, process.env) : undefined
  using interrupt = interruptible(() => tell('stopping; repeat to stop immediately'))
  try {
    const report = await moveRoles({
      ...ends,
      options,
      commonPassword,
      dryRun: flags.dryRun ?? false,
      signal: interrupt.signal,
      confirm: (plan) => flags.yes || askToContinue(changeLines(plan), interrupt.signal),
    })
    const style = styleFor(process.stdout.isTTY === true)
    print(
      flags.json
        ? [JSON.stringify(report)]
        : [...roleLines(report, style, flags.quiet ?? false), roleVerdict(report, style)],
    )
    return codes[report.status]
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error
    return exitCode.cancelled
  }
}

const codes = {
  planned: exitCode.done,
  completed: exitCode.done,
  completed_with_failures: exitCode.failures,
  refused: exitCode.cannotRun,
  cancelled: exitCode.cancelled,
} as const

/** A password cannot be given on the command line: other users of the machine can read it there. */
function commonPasswordOf(
  { passwordFile }: RolesFlags,
  environment: Record<string, string | undefined>,
): string | undefined {
  if (passwordFile === undefined) return environment[passwordVariable] || undefined
  let text: string
  try {
    text = readFileSync(passwordFile, 'utf8')
  } catch (error) {
    throw new UsageError(
      `--password-file: ${passwordFile} cannot be read: ${(error as NodeJS.ErrnoException).code}`,
    )
  }
  const [password = ''] = text.split(/\r?\n/, 1)
  if (password === '') throw new UsageError(`--password-file: the first line of ${passwordFile} is empty`)
  return password
}

function roleMode(text: string): RoleMode {
  const mode = roleModes.find((one) => one === text)
  if (!mode) throw new InvalidArgumentError(`It must be ${eitherOf(roleModes)}.`)
  return mode
}

function collectPatterns(text: string, earlier: readonly string[] | undefined): string[] {
  const patterns = splitList(text)
  for (const pattern of patterns) {
    try {
      new Pattern(pattern, 'name')
    } catch (error) {
      if (error instanceof PatternError) throw new InvalidArgumentError(`${error.message}.`)
      throw error
    }
  }
  return [...(earlier ?? []), ...patterns]
}
