// The exit codes of all commands.
import type { MigrationResult } from '../migrate/request.ts'

export const exitCode = {
  done: 0,
  failures: 1,
  usage: 2,
  cannotRun: 3,
  cancelled: 130,
} as const

export function exitCodeFor({ status }: MigrationResult): number {
  switch (status) {
    case 'completed':
      return exitCode.done
    case 'completed_with_failures':
      return exitCode.failures
    case 'cancelled':
      return exitCode.cancelled
    case 'failed':
      return exitCode.cannotRun
  }
}
