// Where somebody sees a fleet and says what is to be done with it.
import type { FleetAction, FleetView } from '../../shared/fleet.ts'
import type { FollowAnswer, FollowView } from '../../shared/follow-view.ts'

export interface FleetDesk {
  view(): FleetView
  /** One database in full. */
  database(mapping: string, database: string): FollowView | undefined
  act(action: FleetAction): Promise<FollowAnswer>
}
