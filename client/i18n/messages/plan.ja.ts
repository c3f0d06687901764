// The server's messages about a plan: warnings, and reasons to skip a step.
import type { Messages } from '../messages.ts'

export const planMessages: Messages = {
  'a run would be refused: {}': '移行は開始できません：{0}',
  'resuming run {} of {}: {} of {} complete. The others are copied under a newer snapshot: their rows may reference rows that the complete tables do not have':
    '{1} の移行 {0} を再開します。{3}のうち {2} は完了済みです。残りは新しいスナップショットの下でコピーするため、完了済みのテーブルにない行を参照することがあります',

  // skipped
  'needs {}: {}': '必要な {0} がありません：{1}',
  'needs {}, which failed': '必要な {0} が失敗しました',
  '{} is not created: {}': '{0} は作成しません：{1}',
  'also migrated, because selected objects need it: {}': '選択したものに必要なため、次も移行します：{0}',
  'its definition is not UTF-8 ({}): correct it on the source, or use a destination database with the encoding SQL_ASCII':
    '定義が UTF-8 ではありません（{0}）。移行元で直すか、エンコーディングが SQL_ASCII のデータベースを移行先にしてください',

  // what the destination lacks
  'the destination is older ({}) than the source ({}): objects with features that it does not support will fail one by one':
    '移行先（{0}）は移行元（{1}）より古いバージョンです。移行先が対応していない機能を使うオブジェクトは一つずつ失敗します',
  "the source's encoding is {}, the destination's {}: text is converted; if a value cannot be converted, the copy of its table fails":
    'エンコーディングは移行元が {0}、移行先が {1} です。文字列は変換します。変換できない値があると、そのテーブルのコピーは失敗します',
  'extension "{}" is not available on the destination: install it there, or exclude it with --skip-extension {}; objects that need it will be skipped':
    '拡張 "{0}" は移行先で利用できません。移行先にインストールするか、--skip-extension に {1} を指定して除外してください。それを必要とするものは省かれます',
  '"{}" is not a member of role "{}" on the destination: its objects will belong to "{}" (grant the role, or use --no-owner)':
    '"{0}" は移行先のロール "{1}" のメンバーではありません。そのオブジェクトの所有者は "{2}" になります（ロールを付与するか、--no-owner を指定してください）',
  'role "{}" does not exist on the destination: create it, or use --no-owner and --no-acl; its objects will belong to "{}"':
    'ロール "{0}" が移行先にありません。作成するか、--no-owner と --no-acl を指定してください。そのオブジェクトの所有者は "{1}" になります',
  'tablespace "{}" does not exist on the destination: its objects will be created in the default one (use --no-tablespaces if this is intended)':
    'テーブル空間 "{0}" が移行先にありません。既定のテーブル空間に作成します（意図どおりなら --no-tablespaces を指定してください）',
  '"{}" may not disable triggers and foreign keys for its sessions (session_replication_role): those of its own tables are dropped or disabled while rows are copied, and restored afterwards':
    '"{0}" は自身のセッションでトリガーと外部キーを無効にできません（session_replication_role）。コピーの間、自身のテーブルのものを削除または無効にし、後で元に戻します',
  'settings, comment and grants of the database itself stay as they are: "{}" does not own it':
    'データベース自体の設定、コメント、権限は変わりません。"{0}" は所有者ではありません',
  '"{}" may not create objects in schema "{}" of the destination: grant create on it, or rows are copied only into existing tables':
    '"{0}" は移行先のスキーマ "{1}" にオブジェクトを作れません。CREATE 権限を付与してください。付与しない場合は、既存のテーブルにだけ行をコピーします',
  '"{}" may not create schemas or extensions in the destination\'s database: grant create on database, or create them beforehand':
    '"{0}" は移行先のデータベースにスキーマや拡張を作れません。データベースの CREATE 権限を付与するか、先に作っておいてください',
  'collation "{}" needs ICU, but the destination was built without it':
    '照合順序 "{0}" には ICU が必要ですが、移行先は ICU に対応していません',
  'collation "{}" needs the operating system\'s locale "{}", which the destination may not have':
    '照合順序 "{0}" には OS のロケール "{1}" が必要ですが、移行先にないかもしれません',

  // rows
  'the rows of {} will not be copied: {}': '{0} の行はコピーしません：{1}',
  'the destination\'s table has no column "{}" (leave it out, or map it to another)':
    '移行先のテーブルにカラム "{0}" がありません（省くか、別のカラムに対応付けてください）',
  'column "{}" is generated on the destination (leave it out)':
    'カラム "{0}" は移行先では生成列です（省いてください）',
  'column "{}" is {} on the destination, {} on the source (map it with an expression)':
    'カラム "{0}" は移行先では {1}、移行元では {2} です（式で対応付けてください）',
  'column "{}" is {} on the destination, {} on the source: if a value does not fit, the copy of the table fails':
    'カラム "{0}" は移行先では {1}、移行元では {2} です。合わない値があると、テーブルのコピーは失敗します',
  'column "{}" of the destination is not null, has no default and gets no value':
    '移行先のカラム "{0}" は NOT NULL で既定値がなく、値も入りません',
  '{} is partitioned on the destination only: its rows are copied through the partitioned table, and the server routes each to its partition':
    '{0} は移行先でだけパーティション化されています。親テーブルを通してコピーし、サーバーが各行をパーティションに振り分けます',
  '{} has other partitions on the destination: its rows are copied through the partitioned table, and the server routes each to its partition':
    '{0} のパーティションが移行先では異なります。親テーブルを通してコピーし、サーバーが各行をパーティションに振り分けます',
  '{} is not partitioned on the destination: the rows of all its partitions are copied into it':
    '{0} は移行先ではパーティション化されていません。すべてのパーティションの行をここにコピーします',
  '{}; these partitions of the source are not created: {}':
    '{0}。移行元の次のパーティションは作成しません：{1}',

  // triggers and foreign keys of the destination
  '{}: triggers {} will fire for the copied rows: {}':
    '{0}：コピーした行に対してトリガー {1} が実行されます。{2}',
  '"{}" does not own the table': '"{0}" はテーブルの所有者ではありません',
  'before PostgreSQL 13 only a superuser may disable triggers that a partition inherits from its parent':
    'PostgreSQL 13 より前では、パーティションが親から継承したトリガーはスーパーユーザーだけが無効にできます',
  'foreign key {} applies to the copied rows: "{}" may not create it again (grant references on {})':
    '外部キー {0} がコピーする行にも適用されます。"{1}" には作り直す権限がありません（{2} の REFERENCES 権限を付与してください）',
  'foreign key {} applies to the copied rows: "{}" does not own its table':
    '外部キー {0} がコピーする行にも適用されます。"{1}" はそのテーブルの所有者ではありません',
  'foreign keys form a cycle: {} is enforced while its tables are copied, and rows may be rejected':
    '外部キーが循環しています。{0} はコピー中も有効で、行が拒否されることがあります',
  'each condition or expression has to be one SQL expression. Nothing was changed. Not so: {}':
    '条件と式は、それぞれ一つの SQL 式でなければなりません。何も変更していません。該当しないもの：{0}',
}
