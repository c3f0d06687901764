// Who runs this process, as libpq sees it: by the accounts of the system, not by a variable. Bun takes the name from
// USER, and without that from nowhere.
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** Nothing where the system has no name for this user: in a container with a number of its own. */
export function systemUser(): string | undefined {
  if (process.platform === 'win32') return userInfo().username
  const number = process.geteuid?.()
  return inAccounts(number) ?? asked() ?? process.env.USER ?? process.env.LOGNAME
}

function inAccounts(number: number | undefined): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return lines.map((line) => line.split(':')).find((fields) => fields[2] === String(number))?.[0]
  } catch {
    return undefined
  }
}

/** Accounts may also be kept by a directory service. */
function asked(): string | undefined {
  try {
    const { success, stdout } = Bun.spawnSync(['id', '-un'], { stderr: 'ignore' })
    return (success && stdout.toString().trim()) || undefined
  } catch {
    return undefined
  }
}
