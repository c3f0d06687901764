// The names of a move, and of its slots, publications and positions. Objects on servers begin with `pgtrek_`.
import { createHash } from 'node:crypto'
import type { Direction } from '../../shared/follow.ts'
import { insertsSuffix } from '../catalog/own.ts'
import type { ConnectionSettings } from '../postgres/settings.ts'
import type { LinkNames } from '../store/follow-memory.ts'
import type { FollowEnds } from './request.ts'

/** Made from the two databases, without the user who connects. */
export function followName({ source, destination, follow }: FollowEnds): string {
  if (follow.name) return follow.name
  const ends = [placeOf(source), placeOf(destination)].join(' -> ')
  return createHash('sha256').update(ends).digest('hex').slice(0, 8)
}

export function linkNames(name: string, direction: Direction, publication?: string): LinkNames {
  const own = direction === 'forward' ? name : `${name}_back`
  return {
    slot: `pgtrek_${own}`,
    publication: publication ?? `pgtrek_${own}`,
    ownPublication: publication === undefined,
    position: own,
  }
}

/** A second publication for tables of which only inserts are published. */
export function insertsPublication({ publication }: LinkNames): string {
  return publication + insertsSuffix
}

/** Those that may exist. */
export function publicationNames(names: LinkNames): string[] {
  return names.ownPublication ? [names.publication, insertsPublication(names)] : [names.publication]
}

function placeOf({ host, port, database }: ConnectionSettings): string {
  return `${host}:${port}/${database}`
}
