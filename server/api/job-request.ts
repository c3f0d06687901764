// Makes the request of a job from the body of a call, or from a profile.
import type { RequestBody } from '../../shared/api.ts'
import { defaultOptions, everything } from '../../shared/defaults.ts'
import { ApiFailure } from './errors.ts'
import type { JobRequest } from './job.ts'
import { resolveConn, type Services } from './services.ts'

/** Fills in all defaults; does not connect yet. */
export async function jobRequest(
  { source, destination, ...rest }: RequestBody & { confirmed?: boolean | string },
  services: Pick<Services, 'profiles' | 'owner' | 'allowCommands'>,
): Promise<JobRequest> {
  const { allowCommands } = services
  const { tables = [], hooks = [], confirmed = false } = rest
  const command = hooks.findIndex(({ run }) => 'command' in run)
  if (command >= 0 && !allowCommands) {
    throw new ApiFailure(
      'forbidden',
      'a hook runs a command on the machine of pgtrek: start pgtrek with --allow-commands to permit this',
      `/hooks/${command}/run/command`,
    )
  }
  const [from, to] = [await resolveConn(source, services), await resolveConn(destination, services)]
  const selection = { ...everything, ...rest.selection }
  const options = { ...defaultOptions, ...rest.options }
  return {
    run: { source: from.settings, destination: to.settings, selection, tables, hooks, options },
    confirmed,
    shown: { source: from.shown, destination: to.shown, selection, tables, hooks, options },
  }
}
