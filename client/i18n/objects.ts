// Object names with their kind, in the language of the page.
import { describeObject } from '../../shared/describe.ts'
import { printable } from '../../shared/printable.ts'
import { showName } from '../../shared/table-name.ts'
import { language } from './index.ts'

export function objectText(kind: string, object: { schema?: string | undefined; name: string }): string {
  if (language() === 'en') return describeObject(kind, object)
  const name = printable(showName(object))
  if (kind === 'LARGE OBJECTS') return 'ラージオブジェクト'
  if (kind === 'ROWS') return `${name} の行`
  if (kind === 'RELATED ROWS') return `外部キーで結び付いた ${name} の行`
  return `${japaneseKinds[kind.toUpperCase()] ?? kind} ${name}`
}

/** Without a name, as for a list of kinds. */
export function kindText(kind: string): string {
  const plain = kind === 'FK CONSTRAINT' ? 'foreign key' : kind.toLowerCase()
  return language() === 'en' ? plain : (japaneseKinds[kind] ?? plain)
}

const japaneseKinds: Record<string, string> = {
  ANALYZE: '統計情報',
  CHECK: '検査制約',
  'CHECK CONSTRAINT': '検査制約',
  COMMENT: 'コメント',
  CONSTRAINT: '制約',
  DATABASE: 'データベース',
  DEFAULT: '既定値',
  DOMAIN: 'ドメイン',
  EXTENSION: '拡張機能',
  'EVENT TRIGGER': 'イベントトリガー',
  'FK CONSTRAINT': '外部キー',
  'FOREIGN TABLE': '外部テーブル',
  FUNCTION: '関数',
  INDEX: 'インデックス',
  'MATERIALIZED VIEW': 'マテリアライズドビュー',
  POLICY: 'ポリシー',
  PROCEDURE: 'プロシージャ',
  PUBLICATION: 'パブリケーション',
  RULE: 'ルール',
  SCHEMA: 'スキーマ',
  SEQUENCE: 'シーケンス',
  'SEQUENCE SET': 'シーケンスの値',
  TABLE: 'テーブル',
  TRIGGER: 'トリガー',
  TYPE: 'データ型',
  VIEW: 'ビュー',
}
