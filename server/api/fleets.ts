// The fleet of this process, as the API sees it.

import type { FleetAction, FleetController } from '../../shared/fleet.ts'
import type { FollowView } from '../../shared/follow-view.ts'
import { say } from '../../shared/say.ts'
import { ApiFailure } from './errors.ts'
import { FleetWatches } from './fleet-watches.ts'

export class Fleet {
  readonly watches: FleetWatches

  constructor(readonly controller: FleetController) {
    this.watches = new FleetWatches(controller)
  }

  /** The names of its databases as moves; there may be thousands, which the view of the fleet summarizes. */
  followNames(): ReadonlySet<string> {
    const names = this.controller
      .view()
      .mappings.flatMap(({ databases }) => databases.map(({ follow }) => follow))
    return new Set(names.filter((name) => name !== undefined))
  }

  database(mapping: string, database: string): FollowView {
    this.#check({ mapping, database })
    const view = this.controller.database(mapping, database)
    if (view) return view
    throw new ApiFailure('not_found', say`"${database}" of ${mapping} is not followed yet`)
  }

  /** Returns what was started, in words; throws if the action is not possible. */
  async act(action: FleetAction): Promise<string> {
    this.#check(action)
    const { ok, message } = await this.controller.act(action)
    this.watches.look()
    if (!ok) throw new ApiFailure('not_now', message)
    return message
  }

  /** A mistyped name must never select all databases. */
  #check({ mapping, database }: { mapping?: string; database?: string }) {
    if (mapping === undefined) {
      if (database === undefined) return
      throw new ApiFailure('usage', say`a database needs its mapping: give "mapping" too`, '/mapping')
    }
    const found = this.controller.view().mappings.find(({ name }) => name === mapping)
    if (!found) throw new ApiFailure('not_found', say`mapping "${mapping}" does not exist`, '/mapping')
    if (database === undefined || found.databases.some(({ name }) => name === database)) return
    throw new ApiFailure('not_found', say`${mapping} has no database "${database}"`, '/database')
  }
}
