// Findings of the preflight checks about definitions and rows, and what to do.
import type { Messages } from '../messages.ts'

export const preflightObjects: Messages = {
  // features
  'none is used': '使われていません',
  'the destination is not older': '移行先は古いバージョンではありません',
  'some objects use features that PostgreSQL {} does not support':
    'PostgreSQL {0} が対応していない機能を使うオブジェクトがあります',
  'Choose a newer destination, or change these objects on the source before the migration.':
    'より新しい移行先を選ぶか、移行の前に移行元のオブジェクトを変更してください。',
  'none was removed between these versions': 'これらのバージョンの間で廃止された機能はありません',
  'postfix operators, or aggregates over anyarray, which PostgreSQL 14 and later do not support':
    'PostgreSQL 14 以降が対応していない後置演算子、または anyarray に対する集約があります',
  'Replace them on the source before the migration: a function instead of the operator, anycompatiblearray instead of anyarray.':
    '移行の前に移行元で置き換えてください。演算子は関数に、anyarray は anycompatiblearray に置き換えます。',
  'both servers have the same catalogs': '両方のサーバーのカタログは同じです',
  '{} reads {}, which the destination does not have': '{0} が参照する {1} は移行先にありません',
  '{} reads {}, which no longer has {}': '{0} が参照する {1} には {2} がなくなっています',
  'what they read is the same on both servers': '参照しているものは両方のサーバーで同じです',
  'views may use catalogs or columns that the destination does not have':
    '移行先にないカタログやカラムを使うかもしれないビューがあります',
  'Check these views; change or drop those that use them before the migration.':
    'これらのビューを確認し、使っているものは移行の前に変更または削除してください。',

  // text
  'both are {}': 'どちらも {0} です',
  'the source is {}, the destination {}': '移行元は {0}、移行先は {1} です',
  'Names of objects must be valid UTF-8; values may be any bytes.':
    'オブジェクトの名前は正しい UTF-8 でなければなりません。値はどのようなバイト列でもかまいません。',
  '{}: the source does not check the encoding of its values':
    '{0}。移行元は値のエンコーディングを検査しません',
  'Check for values that are not valid {}, or create a destination with SQL_ASCII as well.{}':
    '{0} として正しくない値がないか確認するか、移行先も SQL_ASCII で作ってください。{1}',
  'Create a destination with the encoding of the source, unless the change is intended.{}':
    '意図した変更でなければ、移行元と同じエンコーディングで移行先を作ってください。{0}',
  'Create a destination with the collation of the source, unless the change is intended.{}':
    '意図した変更でなければ、移行元と同じ照合順序で移行先を作ってください。{0}',
  ' The existing database is not changed; use the new one, "{}", as destination.':
    '既存のデータベースは変わりません。新しい "{0}" を移行先にしてください。',
  'The destination\'s host does not have the locale "{}": install it there before you create such a database.':
    '移行先のホストにロケール "{0}" がありません。データベースを作る前にインストールしてください。',
  'PostgreSQL {} on the destination has no ICU for databases: only a newer server has this collation.':
    '移行先の PostgreSQL {0} ではデータベースに ICU を使えません。この照合順序は、より新しいサーバーにしかありません。',
  'PostgreSQL {} on the destination does not have the built-in locale {}: only a newer server has it.':
    '移行先の PostgreSQL {0} に組み込みロケール {1} はありません。より新しいサーバーが必要です。',
  'collations are not migrated': '照合順序は移行しません',
  'all can be created': 'すべて作れます',
  'some may not exist there': '移行先にないかもしれないものがあります',
  "Install the operating system's locales on the destination's host, or use a server with ICU.":
    '移行先のホストに OS のロケールをインストールするか、ICU に対応したサーバーを使ってください。',
  'all are as recorded': 'すべて記録どおりです',
  'collation versions have changed since indexes were built':
    'インデックスの作成後に照合順序のバージョンが変わっています',
  'Rebuild the indexes that use them, then record the new version. Do not run this in a transaction. A unique index cannot be rebuilt if rows have become equal. Check range partitions over text by hand.{}':
    'それを使うインデックスを再作成してから、新しいバージョンを記録してください。トランザクションの中では実行しないでください。等しくなった行があると一意インデックスは再作成できません。文字列の範囲パーティションは手作業で確認してください。{0}',
  ' Only the provider can record the version of {}.': '{0} のバージョンを記録できるのは提供元だけです。',

  // extensions and objects that are not dumped
  'extensions are migrated only if a selected object needs them': '選択したものに必要な拡張だけを移行します',
  '{} {}: not available on the destination': '{0} {1}：移行先で利用できません',
  '{} {}: the destination has {}': '{0} {1}：移行先にあるのは {2} です',
  '{}: only a superuser may create it, unless the provider allows it':
    '{0}：提供元が許可していなければ、スーパーユーザーだけが作れます',
  'some are not available, are older, or need a superuser':
    '利用できない、バージョンが古い、またはスーパーユーザーが必要な拡張があります',
  "Install the missing ones on the destination's host, have a superuser create those that need one, or exclude them with --skip-extension.":
    '足りないものは移行先のホストにインストールし、スーパーユーザーが必要なものは作ってもらってください。不要なら --skip-extension で除外できます。',
  'run timescaledb_pre_restore() on the destination before, and timescaledb_post_restore() after':
    '移行先で、移行の前に timescaledb_pre_restore()、後に timescaledb_post_restore() を実行してください',
  "distributed tables must be distributed again; only the coordinator's rows are copied":
    '分散テーブルは改めて分散させる必要があります。コピーするのはコーディネーターの行だけです',
  'its jobs belong to the database named in cron.database_name':
    'ジョブは cron.database_name で指定したデータベースに属します',
  'its nodes and subscriptions must be created again': 'ノードとサブスクリプションは作り直す必要があります',
  'none that would be missing': '欠けるものはありません',
  'some of their rows are not copied automatically': '自動ではコピーされない行があります',
  'Check whether you need these rows, and copy them yourself if you do.':
    'これらの行が必要か確認し、必要なら手作業でコピーしてください。',
  'not checked, since only some objects are selected': '一部だけを選択しているため、確認していません',
  'user-defined objects are in system schemas': 'システムのスキーマにユーザーのオブジェクトがあります',
  'Move them to a user schema before the migration, or create them on the destination by hand.':
    '移行の前にユーザーのスキーマに移すか、移行先に手作業で作ってください。',
  'objects seem to have been added to tables of extensions':
    '拡張のテーブルにオブジェクトが追加されているようです',
  'Create them on the destination after the migration.': '移行後に、移行先に作ってください。',
  'no user-defined function is evaluated while the destination is created':
    '移行先の作成中に評価されるユーザー定義関数はありません',
  'they name everything with its schema, or set their search_path':
    'すべてスキーマ付きで参照しているか、search_path を設定しています',
  'with an empty search_path these functions fail, and what they compute is missing on the destination':
    'これらの関数は search_path が空だと失敗し、計算するものが移行先に欠けます',
  'Name the schema of everything in their bodies, or set their search_path (a SQL function is then no longer inlined). Change a function of an extension on the destination, where the extension has to be created before the migration.':
    '関数の本体ですべてをスキーマ付きで参照するか、search_path を設定してください（SQL 関数はインライン展開されなくなります）。拡張の関数は、移行の前に移行先で拡張を作ってから変更してください。',

  // tables and rows
  'no table has values of {} or more': '{0} 以上の値を持つテーブルはありません',
  '{} could have values of {} or more: only a superuser can check':
    '{0}に {1} 以上の値があるかもしれません。スーパーユーザーだけが確認できます',
  'no value takes {} or more': '{0} 以上の値はありません',
  'some values are so large that copying their rows may fail':
    '行のコピーが失敗するおそれのある大きな値があります',
  'Make sure that no row is close to 1 GB (half of that for bytea), and that both servers have memory for several of them at once; fewer --workers need less.':
    '1 GB（bytea はその半分）に近い行がないこと、両方のサーバーにそうした行をいくつか同時に扱えるメモリーがあることを確認してください。--workers を減らすと必要なメモリーも減ります。',
  'every table can be copied in binary format': 'すべてのテーブルをバイナリ形式でコピーできます',
  '{} copied as text, since OIDs of types differ between databases':
    '型の OID がデータベースごとに異なるため、{0}をテキスト形式でコピーします',
  'some types can be sent only as text': 'テキスト形式でしか送れない型があります',
  'No action is needed; give the type send and receive functions if the copy is too slow.':
    '対処は不要です。コピーが遅すぎる場合は、型に send 関数と receive 関数を用意してください。',
  '{}, computed by built-in functions only': '{0}、組み込み関数だけで計算されます',
  'some call user-defined functions': 'ユーザー定義関数を呼び出すものがあります',
  'Make sure that these functions name everything with its schema, and return the same values on both servers.':
    'これらの関数がすべてをスキーマ付きで参照し、両方のサーバーで同じ値を返すことを確認してください。',
  '{}, which do not affect a plain copy': '{0}、通常のコピーには影響しません',
  'such keys do not identify rows, and are checked at every change unless triggers are disabled on the destination':
    'このようなキーでは行を特定できません。移行先でトリガーを無効にしない限り、変更のたびに検査されます',
  'rows cannot be merged by such keys': 'このようなキーでは行をマージできません',
  'Make sure that each of these tables has another key that is not deferrable.':
    'これらのテーブルに、遅延可能でない別のキーがあることを確認してください。',
  '{}, created after the rows are copied': '{0}、行のコピー後に作られます',
  'created after the rows are copied': '行のコピー後に作られます',
  'rows that both sides write at the same time may violate them, which stops following':
    '両側で同時に書き込まれた行が制約に反すると、追従が止まります',
  'a row that conflicts with a row of the destination makes the copy of its table fail: no key decides which of the two is kept':
    '移行先の行と衝突する行があると、そのテーブルのコピーは失敗します。どちらを残すかを決めるキーがないためです',
  'Check for rows of the destination that conflict with rows of the source, or replace its rows instead of merging.':
    '移行元の行と衝突する行が移行先にないか確認するか、マージせずに移行先の行を置き換えてください。',
  '{}, copied like others': '{0}、ほかと同じようにコピーされます',
  'every table has a key': 'すべてのテーブルにキーがあります',
  'rows of these tables cannot be merged with those of the destination':
    'これらのテーブルの行は、移行先の行とマージできません',
  'Add a primary key or a unique index over NOT NULL columns on both sides, exclude them, or replace their rows.':
    '両側に主キーか、NOT NULL のカラムの一意インデックスを追加してください。または除外するか、行を置き換えてください。',
  'left over from a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY that failed':
    '失敗した CREATE INDEX CONCURRENTLY または REINDEX CONCURRENTLY が残したものです',
  'Rebuild them, or drop them. A unique index over duplicate rows can be rebuilt only after the duplicates are removed.':
    '再作成するか、削除してください。重複した行のある一意インデックスは、重複を取り除くまで再作成できません。',
  'they stay NOT VALID on the destination': '移行先でも NOT VALID のままです',
  'Validate them on the source, and fix the rows that violate them.':
    '移行元で検証し、制約に反する行を直してください。',
  '{n} with {n} in all': '{0}、合わせて{1}',
  'some partition trees need to be checked': '確認が必要なパーティションの木があります',
  'Check that each is intended; finish pending detaches before the migration.':
    '意図したものか確認し、途中のデタッチは移行の前に完了させてください。',
  'hashed by an enum: one worker copies all rows through the partitioned table':
    '列挙型のハッシュで分割されています。一つのワーカーが親テーブルを通してすべての行をコピーします',
  'hashed by text in another encoding: rows go to other partitions':
    'エンコーディングの異なる文字列のハッシュで分割されています。行は別のパーティションに入ります',
  'partition {} is a foreign table, whose rows are not copied':
    'パーティション {0} は外部テーブルで、行はコピーされません',
  'partition {} is being detached, and will be a separate table on the destination':
    'パーティション {0} はデタッチの途中で、移行先では独立したテーブルになります',
  'a tree with a foreign partition cannot be published as a whole':
    '外部テーブルのパーティションがある木は、全体を公開できません',
  'selected in part: partitions that are created later are not followed':
    '一部だけを選択しています。後で作られるパーティションは追従しません',
  'PostgreSQL {} publishes partitions one by one: those that are created later are not followed':
    'PostgreSQL {0} はパーティションを一つずつ公開します。後で作られるものは追従しません',

  // other content
  'not selected': '選択していません',
  '{n} of about {}': '{0}、約 {1}',
  '{}; the destination already has some of these OIDs, and those are not copied':
    '{0}。同じ OID のものが移行先に既にあり、それらはコピーされません',
  'Keep those of the destination, or remove them if they are not needed. This cannot be undone.':
    '移行先のものを残すか、不要なら削除してください。削除は元に戻せません。',
  '{}: changes to them after the copy are not followed': '{0}。コピー後の変更は追従しません',
  'Do not change large objects between the start of the copy and the switchover.':
    'コピーの開始から切り替えまで、ラージオブジェクトを変更しないでください。',
  'definitions are migrated, rows are not': '定義は移行しますが、行は移行しません',
  'Make sure that the destination can connect to their servers, and check hosts and passwords of the user mappings.':
    '移行先からそのサーバーに接続できることと、ユーザーマッピングのホストとパスワードを確認してください。',
  'changes to them after the copy are not followed': 'コピー後の変更は追従しません',
  'Make them logged (each is rewritten under a lock), or accept that the destination keeps their rows as of the copy.':
    'LOGGED に変えるか（ロックしたままテーブル全体を書き直します）、移行先にはコピー時点の行が残るものとしてください。',
  'some names differ only in case or blanks': '大文字と小文字、または空白だけが異なる名前があります',
  'Quote them in patterns and scripts, and check that each is intended.':
    'パターンやスクリプトでは引用符で囲み、意図した名前か確認してください。',
  'at least 90 % of their values are used': '値の 90 % 以上を使っています',
  'Change column and sequence to bigint, on the source or right after the migration.':
    '移行元で、または移行の直後に、カラムとシーケンスを bigint に変えてください。',

  // existing objects
  'the destination is empty': '移行先は空です',
  'objects with the same name are of another kind on the destination, so those of the source cannot be created':
    '移行先に同じ名前で種類の異なるものがあり、移行元のものを作れません',
  'Rename or drop those of the destination, or choose an empty database.':
    '移行先のものの名前を変えるか削除してください。または空のデータベースを選んでください。',
  '{} on the destination, {} with the same name as on the source; {} with rows, {} of them also on the source':
    '移行先に{0}、そのうち移行元と同じ名前のもの {1}。行があるのは{2}、そのうち移行元にもあるもの {3}',
  'Choose an empty database, or set --existing-tables and --existing-rows.':
    '空のデータベースを選ぶか、--existing-tables と --existing-rows を設定してください。',
  'none is enabled': '有効なものはありません',
  'some are enabled': '有効なものがあります',
  'Disable them for the duration of the migration, unless they are intended for it.{}':
    '移行のためのものでなければ、移行の間は無効にしてください。{0}',
  ' Those of the provider stay enabled.': '提供元のものは有効のままです。',
  'a run that was killed has left them dropped or disabled on the destination':
    '強制終了された移行が、移行先で削除または無効にしたままです',
  'The next clone or copy restores them at its end; "pgtrek repair --dest URL" restores them now.':
    '次の移行が終わるときに元に戻します。今すぐ戻すには「pgtrek repair --dest URL」を実行してください。',
}
