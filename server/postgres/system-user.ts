// The user of this process, as libpq sees it: by the accounts of the system. Bun only reads the variable USER.
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

/** Undefined when the system has no name for this user, as in a container with an arbitrary user id. */
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

/** Accounts may also be in a directory service. */
function asked(): string | undefined {
  try {
    const { success, stdout } = Bun.spawnSync(['id', '-un'], { stderr: 'ignore' })
    return (success && stdout.toString().trim()) || undefined
  } catch {
    return undefined
  }
}
