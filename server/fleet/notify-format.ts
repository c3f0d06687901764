// Formats one message for a hook. Names and messages are plain text everywhere: they cannot become links or mentions.
import type { FleetNotification, notificationKinds } from '../../shared/fleet.ts'

export interface FleetEvent {
  kind: (typeof notificationKinds)[number]
  mapping: string
  /** Undefined if it is about the whole mapping. */
  database?: string | undefined
  state: string
  message: string
}

type Dated = FleetEvent & { at: number }

/** Slack's limit for the text of one block; Teams limits the whole message to 28 kB. */
const longest = { slack: 2_900, teams: 600 }

export function payloadOf({ format, template }: FleetNotification, events: readonly Dated[]): object {
  const texts = events.map((event) => textOf(event, template))
  if (format === 'slack') return slack(texts)
  if (format === 'teams') return teams(texts, events)
  return json(texts, events)
}

const signs: Record<FleetEvent['kind'], string> = { phase: '▸', problem: '✖', ready: '●', done: '✔' }

export function textOf(event: FleetEvent, template?: string): string {
  const { kind, mapping, database, state, message } = event
  const place = database === undefined ? mapping : `${mapping}/${database}`
  if (template === undefined) return `${signs[kind]} ${place}: ${state}${message && ` – ${message}`}`
  const words: Record<string, string> = { kind, mapping, database: database ?? '', state, message }
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole)
}

function json(texts: readonly string[], events: readonly Dated[]): object {
  return {
    source: 'pgtrek',
    text: texts.join('\n'),
    events: events.map(({ at, ...event }, index) => ({
      ...event,
      at: new Date(at).toISOString(),
      text: texts[index],
    })),
  }
}

/** https://docs.slack.dev/reference/block-kit/blocks/section-block */
function slack(texts: readonly string[]): object {
  return {
    // For Slack's notification; Slack interprets these three characters.
    text: cut(texts.join('\n'), longest.slack).replace(/[&<>]/g, (letter) => escapes[letter] ?? letter),
    blocks: texts.map((text) => ({
      type: 'section',
      text: { type: 'plain_text', text: cut(text, longest.slack), emoji: false },
    })),
  }
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Text runs are never parsed as Markdown. https://adaptivecards.io/explorer/RichTextBlock.html */
function teams(texts: readonly string[], events: readonly Dated[]): object {
  const colors = { phase: 'default', problem: 'attention', ready: 'good', done: 'good' }
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          fallbackText: cut(texts.join('\n'), longest.teams),
          msteams: { width: 'Full' },
          body: texts.map((text, index) => ({
            type: 'RichTextBlock',
            inlines: [
              {
                type: 'TextRun',
                text: cut(text, longest.teams),
                color: colors[events[index]?.kind ?? 'phase'],
              },
            ],
          })),
        },
      },
    ],
  }
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
