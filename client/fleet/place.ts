// The target of an action: everything, a mapping or a database; and the actions that are possible.
import type { FleetDatabase, FleetState } from '../../shared/fleet.ts'
import { t } from '../i18n/index.ts'
import { fleet } from '../state/fleet.ts'
import { type BoardMapping, isOver } from '../state/fleet-rows.ts'

export interface Place {
  mapping?: string
  database?: string
}

/** For people. */
export function placeName({ mapping, database }: Place): string {
  if (mapping === undefined) return t('fleet.actions.everything')
  return database === undefined ? mapping : `${mapping} / ${database}`
}

/** What has to be typed to confirm a switchover. */
export function wordFor({ mapping, database }: Place): string {
  return database ?? mapping ?? t('fleet.switchover.allWord')
}

/** The databases, each with its mapping. */
export function databasesOf({ mapping, database }: Place): { mapping: BoardMapping; one: FleetDatabase }[] {
  const all = mapping === undefined ? fleet.mappings() : [fleet.mapping(mapping)]
  return all
    .filter((known) => known !== undefined)
    .flatMap((known) => known.databases.map((one) => ({ mapping: known, one })))
    .filter(({ one }) => database === undefined || one.name === database)
}

/** The databases that a switchover would include. */
export function switchable(place: Place): FleetDatabase[] {
  return databasesOf(place)
    .filter(({ mapping, one }) => mapping.head.follow && !isOver(one))
    .map(({ one }) => one)
}

/** The databases that can return to the source. */
export function returnable(place: Place): FleetDatabase[] {
  return databasesOf(place)
    .map(({ one }) => one)
    .filter((one) => one.flows_back)
}

export interface Possible {
  switchover: boolean
  back: boolean
  pause: boolean
  resume: boolean
  retry: boolean
  complete: boolean
}

const pausable: readonly FleetState[] = ['waiting', 'elsewhere', 'retrying', 'catchup', 'synced', 'ready']

export function possible(databases: readonly FleetDatabase[], follow: boolean): Possible {
  const some = (holds: (one: FleetDatabase) => boolean) => databases.some(holds)
  return {
    switchover: follow && some(({ state }) => ['catchup', 'synced', 'ready'].includes(state)),
    back: some((one) => one.flows_back === true),
    pause: some(({ state }) => pausable.includes(state)),
    resume: some(({ state }) => state === 'paused'),
    retry: some(({ state }) => ['problem', 'retrying', 'elsewhere'].includes(state)),
    complete: some(({ state }) => state !== 'complete' && state !== 'switchover'),
  }
}
