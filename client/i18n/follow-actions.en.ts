// Strings of actions on a followed database: decisions at a conflict, continuing, checking the servers, cleaning up.
export const followActionsEn = {
  conflict: {
    title: 'A change could not be applied',
    lead: 'No later change is applied until you decide. The source keeps all of them.',
    transaction: 'Transaction {{xid}} of {{at}}, at {{lsn}}',
    row: 'Row',
    statement: {
      insert: 'INSERT into {{table}}',
      update: 'UPDATE of {{table}}',
      delete: 'DELETE from {{table}}',
      truncate: 'TRUNCATE of {{table}}',
      relation: 'Columns of {{table}}',
      commit: 'COMMIT',
    },
    retry: 'Retry',
    retryTitle: 'Retry the transaction?',
    retryLead:
      'Fix the destination first. The whole transaction is applied again; if it fails again, you are asked again.',
    skip: 'Skip the transaction',
    skipTitle: 'Skip this transaction?',
    skipLead:
      'All of transaction {{xid}} is skipped, not only this row. Its changes will be missing on the destination, and no later step adds them. Compare the tables before you switch over.',
    skipYes: 'Skip',
    apply: 'Apply the schema change',
    applyTitle: 'Change the table on the destination?',
    applyLead:
      'The table of the destination gets the columns of the source’s table. Then the transaction is retried.',
    applyYes: 'Change the table',
  },
  actions: {
    title: 'Actions',
    pause: 'Pause',
    resume: 'Resume',
    stop: 'Stop',
    switchover: 'Switch over…',
    goBack: 'Return to the source…',
    continue: 'Continue…',
    servers: 'Check the servers…',
    cleanup: 'Clean up…',
    pauseTitle: 'Pause?',
    pauseLead:
      'No changes are applied until you resume. The source keeps its log meanwhile, which fills its disk.',
    stopTitle: 'Stop following?',
    stopLead:
      'Following ends at a transaction boundary. The slot stays, and the source keeps its log for it: continue soon, or clean up.',
    stopWatchLead: 'The old primary is checked once more, then the process ends.',
    stopCopyLead: 'The copy is not complete. It stops and has to start again from the beginning.',
    taken: 'Requested…',
    no: 'Cancel',
  },
  ends: {
    lead: 'pgtrek does not store passwords. Enter both connections again.',
    url: 'Connection URL: {{side}}',
    password: 'Password: {{side}}',
  },
  continue: {
    title: 'Continue following',
    lead: 'Nothing is copied again. Changes are applied from where following stopped.',
    notAfterCopy: 'The copy was not complete when it ended. Clean up and start again.',
    yes: 'Continue',
  },
  servers: {
    title: 'State on both servers',
    lead: 'Reads from both databases what they have of this move. Nothing is changed, and what is stored here is ignored.',
    yes: 'Check',
    readOnly: 'Read-only because of this move: {{places}}.',
    atWork: 'Running process: {{who}}.',
    parts: 'On the servers:',
    states: {
      none: {
        is: 'Neither server has anything of this move',
        next: 'Start a new move, or clean up to delete what is stored here.',
      },
      copying: {
        is: 'The copy is not complete',
        next: 'If no process is running: clean up, then start again. The slot keeps the log of {{source}} until then.',
      },
      following: {
        is: 'Changes flow from {{source}} to {{destination}}',
        next: 'The application uses {{source}}. Continue following, switch over, or clean up.',
      },
      both_ways: {
        is: 'Changes flow in both directions',
        next: 'Continue following, switch over, or clean up.',
      },
      switching: {
        is: 'A switchover has made {{source}} read-only and was not completed',
        next: 'Nothing was handed over. Continue following, or clean up: both make {{source}} writable again.',
      },
      switched_over: {
        is: 'Switched over: the application uses {{destination}}',
        next: 'No changes flow any more. Clean up.',
      },
      flowing_back: {
        is: 'Switched over: changes flow from {{destination}} back to {{source}}',
        next: 'The application uses {{destination}}. Continue following, return to the source, or clean up.',
      },
      returning: {
        is: 'A return has made {{destination}} read-only and was not completed',
        next: 'Nothing was handed over. Continue following, or clean up: both make {{destination}} writable again.',
      },
      returned: {
        is: 'Returned: the application uses {{source}}',
        next: 'No changes flow any more. Clean up.',
      },
      read_only: {
        is: 'Cleaned up, but a side is still read-only',
        next: '"pgtrek cleanup --writable" makes it writable again.',
      },
      remains: {
        is: 'Parts are left that cannot be continued',
        next: 'Clean up.',
      },
    },
  },
  cleanup: {
    title: 'Clean up',
    lead: 'Drops what following created: replication slots, publications, the position on the destination, and what is stored here. Copied rows stay. Afterwards you can neither continue nor return.',
    writable: 'Make the old primary writable again',
    writableHelp: 'The switchover made it read-only. Leave it so unless you want to keep using it.',
    discard: 'Discard changes written to the old primary after the switchover',
    discardHelp: 'Otherwise nothing is dropped while there are any.',
    gone: 'Permanently lost server',
    goneHelp:
      'Only the other server is cleaned up and made writable. Refused while the lost one can still be reached.',
    goneNone: 'None',
    confirm: 'I understand that this cannot be undone',
    yes: 'Clean up',
    done: 'Cleaned up',
    nothing: 'There was nothing to drop.',
    dropped: 'Dropped:',
  },
}
