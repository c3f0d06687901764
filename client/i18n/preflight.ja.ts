import type { Words } from './en.ts'
import type { preflightEn } from './preflight.en.ts'

export const preflightJa: Words<typeof preflightEn> = {
  title: '支障はありませんか？',
  lead: '両方のサーバーを調べます。何も変更しません。「要対処」は移行が止まるか、何かが気づかれずに失われるもの、「注意」は事前に知っておくべきものです。',
  follow: '変更の追従に必要なことも調べる（コピー後に追従する）',
  again: 'もう一度調べる',
  looking: '両方のサーバーを調べています…',
  verdict: {
    ok: '準備完了：支障はありません。',
    warning: '準備完了（注意 {{warnings}} 件）。',
    blocker: '準備未完了：要対処 {{blockers}} 件、注意 {{warnings}} 件。',
  },
  chosen: '調べた範囲：{{of}} テーブル中 {{tables}}。',
  groups: {
    blocker: '先に対処が必要',
    warning: '知っておくべきこと',
    ok: '問題なし：{{count}} 件',
  },
  copyFor: 'SQL をコピー：{{title}}',
}
