// What has been told of each place, so that nobody hears the same thing twice.
import type { FleetEvent } from './notify-format.ts'

/** By place and kind: what was told last. */
export class Told {
  readonly #last = new Map<string, Map<FleetEvent['kind'], string>>()

  at({ mapping, database }: FleetEvent): Map<FleetEvent['kind'], string> {
    const place = `${mapping}\0${database ?? ''}`
    const known = this.#last.get(place)
    if (known) return known
    const fresh = new Map<FleetEvent['kind'], string>()
    this.#last.set(place, fresh)
    return fresh
  }
}

/**
 * A problem that comes back with every attempt is told once. It is news again when things went well in between,
 * and so is a green light after a problem.
 */
export function isSaidAgain(told: Told, event: FleetEvent): boolean {
  const last = told.at(event)
  const text = `${event.state}\0${event.message}`
  if (last.get(event.kind) === text) return true
  last.set(event.kind, text)
  for (const other of endedBy[event.kind]) last.delete(other)
  return false
}

const endedBy: Record<FleetEvent['kind'], FleetEvent['kind'][]> = {
  phase: [],
  problem: ['ready', 'done'],
  ready: ['problem'],
  done: ['problem', 'ready'],
}
