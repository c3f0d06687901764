// The cutover-ready light: green only when following has kept up for a while and nothing is wrong.

import type { FollowOptions } from '../../../shared/follow-options.ts'
import type { FollowView, Readiness } from '../../../shared/follow-view.ts'
import { formatBytes } from '../../../shared/format.ts'

export type Watched = Pick<
  FollowView,
  'stage' | 'state' | 'direction' | 'streams' | 'failed_tables' | 'tables'
> & {
  /** What else is against it, in words. */
  troubles: readonly string[]
}

export class ReadyLight {
  /** Since when nothing has been against it. */
  #goodSince: number | undefined

  constructor(readonly options: FollowOptions) {}

  look(watched: Watched, now: number): Readiness {
    const { readyLagBytes, readyLagSeconds, readyForSeconds } = this.options
    const marks = { lag_bytes: readyLagBytes, lag_seconds: readyLagSeconds, for_seconds: readyForSeconds }
    const reasons = objections(watched, this.options)
    if (reasons.length > 0) {
      this.#goodSince = undefined
      return { green: false, reasons, ...marks }
    }
    this.#goodSince ??= now
    const since = this.#goodSince
    const seconds = Math.floor((now - since) / 1000)
    if (now - since < readyForSeconds * 1000) {
      return { green: false, reasons: [`has kept up for ${seconds} of ${readyForSeconds} seconds`], ...marks }
    }
    return { green: true, since: since + readyForSeconds * 1000, reasons: [], ...marks }
  }
}

function objections(watched: Watched, { readyLagBytes, readyLagSeconds }: FollowOptions): string[] {
  const { stage, state, streams, direction, failed_tables: failed, troubles } = watched
  const stream = streams.find((one) => one.direction === direction)
  const reasons = [...troubles]
  if (state !== 'running') reasons.push(`it is ${inWords[state]}`)
  if (stage === 'preflight' || stage === 'schema' || stage === 'copy')
    reasons.push('rows are still being copied')
  if (failed.length > 0) {
    reasons.push(`${failed.length} of ${watched.tables + failed.length} tables could not be copied`)
  }
  if (stage === 'catchup') reasons.push('it is still catching up')
  // What is not heard of may be far behind.
  if (!stream && reasons.length === 0) reasons.push('no changes flow')
  if (!stream) return reasons
  const { lagBytes, lagMilliseconds } = stream.status
  if (lagBytes > readyLagBytes) {
    reasons.push(`behind by ${formatBytes(lagBytes)}, more than ${formatBytes(readyLagBytes)}`)
  }
  if (lagMilliseconds > readyLagSeconds * 1000) {
    reasons.push(`behind by ${Math.round(lagMilliseconds / 1000)} seconds, more than ${readyLagSeconds}`)
  }
  if (stream.slot?.lost) reasons.push(`the server has given up the slot: ${stream.slot.lost}`)
  if (stream.slot?.endangered) reasons.push('the server is about to give up the slot')
  return reasons
}

const inWords: Record<FollowView['state'], string> = {
  running: 'running',
  paused: 'paused',
  waiting: 'waiting to connect again',
  conflict: 'stopped at a conflict',
  stopped: 'stopped',
  failed: 'failed',
  lost: 'not running any more',
}
