export const preflightEn = {
  title: 'Is anything in the way?',
  lead: 'Both servers are looked at, and nothing is changed. What blocks would stop the move or lose something silently; what is warned of is better known before.',
  follow: 'Look at what following changes needs as well: I shall copy and follow',
  again: 'Look again',
  looking: 'Looking at both servers…',
  verdict: {
    ok: 'Ready: nothing is in the way.',
    warning: 'Ready, with {{warnings}} warnings.',
    blocker: 'Not ready: {{blockers}} blocking, {{warnings}} warnings.',
  },
  chosen: 'Looked at: {{tables}} of {{of}} tables.',
  groups: {
    blocker: 'To be mended first',
    warning: 'To be known',
    ok: 'In order: {{count}}',
  },
  copyFor: 'Copy the SQL: {{title}}',
}
