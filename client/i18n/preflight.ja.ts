import type { Words } from './en.ts'
import type { preflightEn } from './preflight.en.ts'

export const preflightJa: Words<typeof preflightEn> = {
  title: '事前チェック',
  lead: '両方のサーバーを調べます。何も変更しません。「要対処」は移行が止まるか、気づかないうちに何かが失われるもの、「注意」は事前に知っておくべきものです。',
  follow: 'コピー後の追従に必要な項目もチェックする',
  again: 'もう一度チェック',
  looking: '両方のサーバーをチェックしています…',
  verdict: {
    ok: '準備完了：すべて合格しました。',
    warning: '準備完了（注意 {{warnings}} 件）。',
    blocker: '準備未完了：要対処 {{blockers}} 件、注意 {{warnings}} 件。',
  },
  chosen: 'チェックした範囲：{{of}} テーブル中 {{tables}}。',
  groups: {
    blocker: '要対処',
    warning: '注意',
    ok: '{{count}} 件のチェックに合格',
  },
  copyFor: 'SQL をコピー：{{title}}',
}
