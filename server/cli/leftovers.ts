// What runs that were killed have left on a destination, for commands that do something else there.
import { describeHolder, readRuns } from '../coordination/lock-holders.ts'
import { describeNote, readNotes, readNotesWhenSettled } from '../coordination/suspension-notes.ts'
import { Session } from '../postgres/session.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'

/** For a destination alone; its runs may have been on other machines. */
export async function statusOfDestination(destination: ConnectionSettings): Promise<Leftovers> {
  await using session = await Session.open(destination)
  const { left, distrusted } = await readNotesWhenSettled(session)
  const atWork = (await readRuns(session)).map(describeHolder)
  return { left_away: [...left.map(describeNote), ...(distrusted ? [distrusted] : [])], at_work: atWork }
}

export interface Leftovers {
  left_away: string[]
  at_work: string[]
}

export function linesOf({ left_away: left, at_work: atWork }: Leftovers): string[] {
  return [
    ...atWork.map((holder) => `running on this destination: ${holder}`),
    ...left.map((note) => `still suspended: ${note}`),
    left.length > 0 ? repairWords : 'no foreign keys or triggers are left suspended by killed runs',
  ]
}

const repairWords = 'restore them with "pgtrek repair --dest URL"'

/** Empty if the server cannot be reached: the command itself reports the reason. */
export async function leftoverLines(destination: ConnectionSettings): Promise<string[]> {
  try {
    await using session = await Session.open(destination)
    const { left, distrusted } = await readNotes(session)
    if (distrusted !== undefined) return [distrusted]
    if (left.length === 0) return []
    return [...left.map((note) => `still suspended on the destination: ${describeNote(note)}`), repairWords]
  } catch {
    return []
  }
}
