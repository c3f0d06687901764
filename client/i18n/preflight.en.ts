export const preflightEn = {
  title: 'Preflight checks',
  lead: 'Checks both servers and changes nothing. Blockers would stop the migration or lose something silently. Warnings should be known beforehand.',
  follow: 'Include the checks for copying and following',
  again: 'Check again',
  looking: 'Checking both servers…',
  verdict: {
    ok: 'Ready: all checks passed.',
    warning: 'Ready, with {{warnings}} warnings.',
    blocker: 'Not ready: {{blockers}} blockers, {{warnings}} warnings.',
  },
  chosen: 'Checked: {{tables}} of {{of}} tables.',
  groups: {
    blocker: 'Blockers',
    warning: 'Warnings',
    ok: '{{count}} checks passed',
  },
  copyFor: 'Copy the SQL: {{title}}',
}
