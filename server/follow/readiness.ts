// Cutover readiness: the lag has been within its limits for a while, and there are no problems.

import type { FollowOptions } from '../../shared/follow-options.ts'
import type { FollowView, Readiness } from '../../shared/follow-view.ts'
import { formatBytes } from '../../shared/format.ts'
import { say } from '../../shared/say.ts'

export type Watched = Pick<
  FollowView,
  'stage' | 'state' | 'direction' | 'streams' | 'failed_tables' | 'tables'
> & {
  /** Further reasons against a switchover. */
  troubles: readonly string[]
}

/** A switchover is refused because of blockers. Because of its pace it waits until its time limit. */
export interface Objections {
  blockers: string[]
  pace: string[]
}

export class CutoverReadiness {
  /** Since when there has been no reason against a switchover. */
  #goodSince: number | undefined

  constructor(readonly options: FollowOptions) {}

  /** Called at every change, so that `since` is correct. */
  observe(watched: Watched, now: number) {
    const { blockers, pace } = objections(watched, this.options)
    if (blockers.length + pace.length > 0) this.#goodSince = undefined
    else this.#goodSince ??= now
  }

  now(watched: Watched, now: number): Readiness {
    const { readyLagBytes, readyLagSeconds, readyForSeconds } = this.options
    const marks = { lag_bytes: readyLagBytes, lag_seconds: readyLagSeconds, for_seconds: readyForSeconds }
    const { blockers, pace } = objections(watched, this.options)
    const reasons = [...blockers, ...pace]
    if (reasons.length > 0) return { green: false, reasons, ...marks }
    const since = this.#goodSince ?? now
    const seconds = Math.floor((now - since) / 1000)
    if (now - since < readyForSeconds * 1000) {
      return {
        green: false,
        reasons: [say`lag has been within the limits for ${seconds} of ${readyForSeconds} seconds`],
        ...marks,
      }
    }
    return { green: true, since: since + readyForSeconds * 1000, reasons: [], ...marks }
  }
}

/** For readiness and for a switchover alike. */
export function objections(watched: Watched, { readyLagBytes, readyLagSeconds }: FollowOptions): Objections {
  const { stage, state, streams, direction, failed_tables: failed, troubles } = watched
  const stream = streams.find((one) => one.direction === direction)
  const blockers = [...troubles]
  const pace: string[] = []
  if (state !== 'running') blockers.push(inWords[state])
  if (stage === 'preflight' || stage === 'schema' || stage === 'copy')
    blockers.push(say`rows are still being copied`)
  if (failed.length > 0) {
    blockers.push(say`${failed.length} of ${watched.tables + failed.length} tables could not be copied`)
  }
  if (stage === 'catchup') blockers.push(say`it is still catching up`)
  // Without a stream the lag is unknown.
  if (!stream && blockers.length === 0) blockers.push(say`no changes flow`)
  if (!stream) return { blockers, pace }
  const { lagBytes, lagMilliseconds } = stream.status
  if (lagBytes > readyLagBytes) {
    pace.push(say`lag is ${formatBytes(lagBytes)}, more than ${formatBytes(readyLagBytes)}`)
  }
  if (lagMilliseconds > readyLagSeconds * 1000) {
    pace.push(say`lag is ${Math.round(lagMilliseconds / 1000)} seconds, more than ${readyLagSeconds}`)
  }
  if (stream.slot?.lost) blockers.push(say`the server has invalidated the slot: ${stream.slot.lost}`)
  if (stream.slot?.endangered) blockers.push(say`the server is about to invalidate the slot`)
  return { blockers, pace }
}

const inWords: Record<FollowView['state'], string> = {
  running: say`it is running`,
  paused: say`it is paused`,
  waiting: say`it is waiting to connect again`,
  conflict: say`it is stopped at a conflict`,
  stopped: say`it is stopped`,
  failed: say`it is failed`,
  lost: say`it is not running any more`,
}
