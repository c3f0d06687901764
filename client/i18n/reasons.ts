// Reasons against switching over, in the language of the page. The server sends them in English; unknown ones
// stay in English.

export function reasonIn(language: 'en' | 'ja', reason: string): string {
  if (language === 'en') return reason
  for (const [pattern, words] of japanese) {
    const found = pattern.exec(reason)
    if (found) return words(...found.slice(1))
  }
  return reason
}

const states: Record<string, string> = {
  paused: '一時停止中です',
  'waiting to connect again': '再接続を待っています',
  'stopped at a conflict': '競合で止まっています',
  stopped: '停止しています',
  failed: '失敗しました',
  'not running any more': '動作していません',
}

const japanese: [RegExp, (...parts: string[]) => string][] = [
  [/^it is still catching up$/, () => 'まだ追い付いていません'],
  [/^it is (.+)$/, (state = '') => states[state] ?? state],
  [/^rows are still being copied$/, () => 'まだ行をコピーしています'],
  [
    /^table (.+) is not the same on both sides: (.+)$/s,
    (table, why) => `テーブル ${table} が両側で一致していません：${why}`,
  ],
  [
    /^(.+) transactions? skipped, whose changes are missing: (.+)\. "pgtrek recopy TABLE"/s,
    (count, tables) =>
      `スキップしたトランザクションが ${count} 件あり、その変更が欠けています：${tables}。「pgtrek recopy テーブル」でコピーし直すか、両側を一致させるか、切り替え時に違いを許容してください`,
  ],
  [
    /^other sessions or triggers have written to the destination: (.+?)\.(?: Other connected sessions: (.+)\.)? Stop them\. /s,
    (tables, sessions) =>
      `移行先のテーブルに、この移行以外からの書き込みがありました：${tables}。${sessions ? `接続していたもの：${sessions}。` : ''}書き込みを止めてください。これらのテーブルは遅くとも切り替え時にチェックサムで比較し、異なる場合は「pgtrek recopy テーブル」でコピーし直せます`,
  ],
  [
    /^(.+) is followed, but was dropped on the source\. .+: (drop table .+)$/s,
    (table, sql) =>
      `${table} は追従していますが、移行元で削除されました。不要であれば移行先でも削除してください：${sql}`,
  ],
  [
    /^(.+) is followed, but was dropped on the source; /,
    (table) =>
      `${table} は追従していますが、移行元で削除されました。今その名前を持つ別のテーブルは追従していません`,
  ],
  [
    /^(.+) is followed, but not published any more: /,
    (table) =>
      `${table} は追従していますが、パブリケーションに含まれなくなり、変更が送られていません。「pgtrek recopy ${table}」でコピーし直せます`,
  ],
  [
    /^(.+) of the destination is now named (.+) on the source: .+ On the destination run: (.+)$/s,
    (table, name, sql) =>
      `移行先の ${table} は、移行元では ${name} という名前になりました。移行先で実行してください：${sql}`,
  ],
  [
    /^(.+) is not followed: its rows are neither copied nor kept up to date/,
    (table) => `${table} は追従していません。行はコピーも更新もされません`,
  ],
  [
    /^(.+) is (?:a partition of .+|followed), but the destination does not have it\. /,
    (table) =>
      `${table} が移行先にありません。移行先に作成するか、「pgtrek recopy ${table}」で作成して行をコピーしてください`,
  ],
  [
    /^(.+) is a partition of (.+) that (.+) does not have: /,
    (table, root, publication) =>
      `${root} のパーティション ${table} が ${publication} に含まれず、変更が送られていません。「pgtrek recopy ${table}」でコピーできます`,
  ],
  [/^tables are being copied (?:anew|again): (.+)$/s, (names) => `テーブルをコピーし直しています：${names}`],
  [/^no changes flow$/, () => '変更が流れていません'],
  [
    /^(\d+) of (\d+) tables could not be copied$/,
    (failed, all) => `${all} テーブルのうち ${failed} をコピーできませんでした`,
  ],
  [/^lag is (.+) seconds, more than (.+)$/, (by, most) => `${by} 秒遅れています（上限 ${most} 秒）`],
  [/^lag is (.+), more than (.+)$/, (by, most) => `${by} 遅れています（上限 ${most}）`],
  [
    /^lag has been within the limits for (.+) of (.+) seconds$/,
    (so, whole) => `遅れのない状態が ${whole} 秒のうち ${so} 秒続いています`,
  ],
  [/^the server is about to invalidate the slot$/, () => 'サーバーがスロットを破棄しようとしています'],
  [/^the server has invalidated the slot: (.+)$/s, (why) => `サーバーがスロットを破棄しました：${why}`],
  [/^the server no longer has slot (.+)$/, (slot) => `サーバーにスロット ${slot} がありません`],
  [/^the servers cannot be checked: (.+)$/s, (why) => `サーバーの状態を確認できません：${why}`],
  [
    /^(\d+) objects? could not be created on the destination: (.+)$/s,
    (count, names) => `移行先に作れなかったものが ${count} 件あります：${names}`,
  ],
  [/^(.+) of (.+) is missing on (.+)$/, (object, from, to) => `${from} の ${object} が ${to} にありません`],
  [
    /^(.+) is not the same on (.+) and (.+)$/,
    (object, from, to) => `${object} が ${from} と ${to} で異なります`,
  ],
  [
    /^(.+) was written to after the switchover, and only there: (.+)\. These rows/,
    (place, what) => `切り替え後に ${place} だけに書き込みがありました：${what}`,
  ],
  [
    /^objects of (.+?) were changed after the switchover: (.+)$/s,
    (place, what) => `切り替え後に ${place} のオブジェクトが変更されました：${what}`,
  ],
  [
    /^cannot determine whether .+ after the switchover: (.+)$/s,
    (why) => `旧プライマリに書き込まれたかどうか確認できません：${why}`,
  ],
  [/^(\d+) more differences$/, (count) => `ほかに ${count} 件の違いがあります`],
  [/^the process that followed has ended: /, () => '追従していたプロセスがなくなりました'],
]
