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
  [/^tables are being copied anew: (.+)$/s, (names) => `テーブルをコピーし直しています：${names}`],
  [/^no changes flow$/, () => '変更が流れていません'],
  [
    /^(\d+) of (\d+) tables could not be copied$/,
    (failed, all) => `${all} テーブルのうち ${failed} をコピーできませんでした`,
  ],
  [/^behind by (.+) seconds, more than (.+)$/, (by, most) => `${by} 秒遅れています（上限 ${most} 秒）`],
  [/^behind by (.+), more than (.+)$/, (by, most) => `${by} 遅れています（上限 ${most}）`],
  [
    /^has kept up for (.+) of (.+) seconds$/,
    (so, whole) => `遅れのない状態が ${whole} 秒のうち ${so} 秒続いています`,
  ],
  [/^the server is about to give up the slot$/, () => 'サーバーがスロットを破棄しようとしています'],
  [/^the server has given up the slot: (.+)$/s, (why) => `サーバーがスロットを破棄しました：${why}`],
  [/^the server has no slot (.+) any more$/, (slot) => `サーバーにスロット ${slot} がありません`],
  [/^the servers cannot be looked at: (.+)$/s, (why) => `サーバーの状態を確認できません：${why}`],
  [
    /^(\d+) objects? could not be made on the destination: (.+)$/s,
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
    /^whether .+ after the switchover is not known: (.+)$/s,
    (why) => `旧プライマリに書き込まれたかどうか確認できません：${why}`,
  ],
  [/^(\d+) more differences$/, (count) => `ほかに ${count} 件の違いがあります`],
  [/^the process that followed is gone: /, () => '追従していたプロセスがなくなりました'],
]
