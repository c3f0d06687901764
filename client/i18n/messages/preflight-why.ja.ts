// Why each preflight check is made.
import type { Messages } from '../messages.ts'

export const preflightWhy: Messages = {
  'Every statement takes at least one round trip.': '文を実行するたびに、往復の通信時間がかかります。',
  'An older destination does not support all features of a newer source.':
    '新しいサーバーへはすべて移行できます。古いサーバーは、新しいサーバーの機能をすべて備えているわけではありません。',
  'A database that is copied onto itself would be destroyed.':
    'データベースを自分自身にコピーすると、壊れてしまいます。',
  'Checks of tables and other objects cover only what would be migrated.':
    'テーブルなどの確認は、移行するものだけを対象とします。',
  'A standby is read-only, and it can cancel queries that conflict with changes of its primary.':
    'スタンバイには書き込めません。スタンバイからの読み取りは、プライマリの都合で取り消されることがあります。',
  'A pooler shares server processes between clients, but settings, snapshots, locks and the position of changes belong to one process.':
    'プーラーは、サーバープロセスをほかのクライアントとも共有します。設定、スナップショット、ロック、変更の位置はプロセスに属します。',
  'Rows that are written after the migration get the time of the new server, which should not be behind.':
    '移行後に書き込まれる行には新しいサーバーの時刻が付きます。以前の時刻に戻ってはなりません。',
  'Objects that use them cannot be created there, nor can objects that depend on those.':
    'これを使うオブジェクトと、それを必要とするものは、移行先に作れません。',
  'Objects that use them cannot be created on the destination, nor can objects that depend on those.':
    'これを使うオブジェクトと、それを必要とするものは、移行先に作れません。',
  'System catalogs differ between major versions: a view that uses a removed column cannot be created.':
    'システムカタログの列はメジャーバージョンごとに異なります。なくなった列を参照するビューは作れません。',
  'Text is converted between different encodings; if a value cannot be converted, the copy of its table fails.':
    'エンコーディングが異なると文字列は変換されます。対応する文字がない値があると、そのテーブルは止まります。',
  'With another collation, ORDER BY, range partitions over text and unique keys over text may behave differently.':
    '照合順序が異なると、ORDER BY、文字列によるパーティションの範囲、文字列の一意キーの意味が変わることがあります。',
  'When the operating system changes the sort order of text, existing indexes may no longer find their rows.':
    'OS が文字列の順序を変えると、以前に作ったインデックスでは行が見つからないことがあります。',
  'If a collation cannot be created, the columns and indexes that use it cannot be created either.':
    '照合順序を作れないと、それを使うカラムとインデックスも作れません。',
  'An extension that the destination cannot install is missing there, with all objects that use it.':
    '移行先にインストールできない拡張は、それを使うものとともに移行されません。',
  'Of the tables of an extension, only those that it marks as configuration tables are copied.':
    '拡張のテーブルのうち、拡張が設定用と定めているものだけを移行します。',
  'Objects whose owner is missing will belong to the connecting role, and grants to missing roles are omitted.':
    '所有者のロールがないオブジェクトは、接続するロールの所有になります。存在しないロールへの権限付与は省かれます。',
  'Objects in a tablespace that the destination lacks are created in its default tablespace.':
    '移行先にないテーブル空間にあるものは、既定のテーブル空間に置かれます。',
  'Tables and sequences that the role may not read are not copied.':
    '読み取れないテーブルとシーケンスはコピーできません。',
  'A policy could hide or reject rows, so tables whose policies apply to the connecting role are not copied.':
    'ポリシーは行をコピーから隠したり拒否したりするため、ポリシーが適用されるテーブルはコピーしません。',
  'Without the right to create objects, nothing can be migrated.':
    '作成する権限がなければ、何も移行できません。',
  'Only the owner of a database can change its settings, comment and grants.':
    'データベースの設定、コメント、権限は、その所有者だけが変更できます。',
  'Other roles cannot create them, so they and the objects that depend on them would be missing.':
    'ほかのロールでは作れないため、これらと、これらを必要とするものが欠けます。',
  'Every worker needs a session on each side; with fewer the copy takes longer, with too few it cannot start.':
    '並列処理にはそれぞれ両側の接続が必要です。少なければ時間がかかり、少なすぎると開始できません。',
  'A server whose disk is full stops, with all its databases.':
    '移行先のディスクがいっぱいになると、そのサーバーのすべてのデータベースが止まります。',
  'Reading the definitions locks all tables at the same time; it fails when the lock table of the server is full.':
    '定義を読むとき、すべてのテーブルを同時にロックします。ロックの領域が尽きると失敗します。',
  'An index of a large table is built by several processes, as far as max_worker_processes and max_parallel_workers allow.':
    '大きなテーブルのインデックスは、max_worker_processes と max_parallel_workers の範囲で複数のプロセスが作成します。',
  'Everything is read under one snapshot, in statements that may take hours.':
    'すべてを一つのスナップショットの下で読み、文の実行には何時間もかかることがあります。',
  'They are copied one by one with their OIDs, and changes to them are not part of logical replication.':
    'ラージオブジェクトは番号ごとに一つずつコピーされます。その変更は変更のストリームに含まれません。',
  'Their rows are stored elsewhere and are not copied; the destination must be able to connect to that place.':
    '行はほかの場所にあり、コピーされません。移行先からもその場所に接続できる必要があります。',
  'Changes to them are not written to the WAL, so they cannot be followed.':
    '変更が WAL に記録されないため、変更のストリームに含まれません。',
  'Names that differ only in case or in leading or trailing blanks are easily confused in scripts and patterns.':
    '大文字と小文字、または前後の空白だけが異なる名前は、スクリプトでもパターンでも人の目でも取り違えられます。',
  'Inserts fail when a sequence has reached its limit; before a migration there is time to widen it.':
    '使い切ったシーケンスはすべての INSERT を止めます。移行前なら広げる時間があります。',
  'Their rows can be copied, but merging them, resuming a table by parts and following changes need a key.':
    '行はコピーできますが、マージ、テーブルの途中からの再開、変更の追従にはキーが必要です。',
  'A row is sent as one message of less than 1 GB, in memory on both servers; bytea values in text format take twice their size.':
    '1 行は 1 GB 未満のひとまとまりとして、両方のサーバーのメモリーを通ります。bytea の値はテキスト形式では 2 倍になります。',
  'Their tables are copied and followed as text, which takes longer and depends on the output function of the type.':
    'この型を含むテーブルはテキスト形式でコピー・追従します。時間がかかり、型の書式に左右されます。',
  'The destination computes them again: functions that they call must exist there and return the same values.':
    '移行先で計算し直されます。呼び出す関数が移行先にもあり、同じ値を返す必要があります。',
  'Each row must be routed to the same partition again: with another encoding, enum or collation it may be routed to another one.':
    '行は移行先でも同じパーティションに入る必要があります。エンコーディング、列挙型、文字列の順序が異なると、別のパーティションに入ることがあります。',
  'A deferrable key can neither be used to merge rows nor to identify rows while changes are followed.':
    '遅延可能なキーでは、行のマージも、追従中の行の特定もできません。',
  'They are created one at a time after the rows are copied, and merging cannot resolve violations of them.':
    '行の後に一つずつ作られます。マージする行は排他制約の衝突を避けられません。',
  'A dump is restored with an empty search_path: a function whose body names another function, a table, a type or an operator without its schema fails there, and with it the index, the rows or the view that it computes.':
    'ダンプは search_path が空の状態で復元されます。本体で関数、テーブル、型、演算子をスキーマなしで参照する関数はそこで失敗し、それで計算するインデックス、行、ビューも失敗します。',
  'An index that was never completed is not dumped: the destination will not have it.':
    '作成が完了していないインデックスはダンプされず、移行先には作られません。',
  'Rows may violate them; they stay NOT VALID on the destination, and validating them there may fail.':
    '制約に反する行があるかもしれません。NOT VALID のまま移行されるため、移行先での検証は失敗することがあります。',
  'pg_dump skips everything in system schemas, also user-defined objects: objects that use them fail.':
    'pg_dump は、作成者にかかわらずシステムのスキーマにあるものを省きます。それを使うオブジェクトは失敗します。',
  'The destination creates an extension in its original form: indexes, triggers and columns that were added to its tables are missing there.':
    '移行先の拡張は初期状態で作られます。そのテーブルに追加したインデックス、トリガー、カラムは欠けます。',
  'Subscriptions are created disabled and without a slot: two subscribers of one slot would lose rows.':
    'サブスクリプションは無効のまま、スロットなしで移行されます。一つのスロットを二つで使うと行が失われるためです。',
  'An unused slot retains WAL until the disk of the source is full.':
    '読まれないスロットは、移行元のディスクがいっぱいになるまで、それ以後の変更をすべて保持し続けます。',
  'A subscription writes its own rows during the migration, and a publication sends migrated rows to its subscribers.':
    'サブスクリプションは移行中の行に自身の行を書き込み、パブリケーションは移行した行をほかへ送ります。',
  'Objects of the same name are kept, and rows of such tables are replaced after confirmation.':
    '同じ名前のオブジェクトはそのまま残り、そのテーブルの行は確認のうえで置き換えられます。',
  'They fire for every object that the migration creates, and may reject or change it.':
    '移行が作るすべてのオブジェクトに対して実行され、拒否したり変更したりすることがあります。',
  'Sessions there are read-only by default. This may be intended, and applications could not write after the migration.':
    '接続が既定で読み取り専用です。意図的な設定かもしれませんが、移行後にアプリケーションが書き込めません。',
  'A run that was killed could not restore what it had dropped or disabled for its copy. Until it is restored, invalid rows can be written.':
    '強制終了された移行が、コピーのために削除または無効にしたものを元に戻していません。戻すまでは不正な行が入り得ます。',
  'Following starts only when every transaction that is already open has ended; their locks can also block the run.':
    '変更のストリームは、それ以前のすべてのトランザクションが終わるまで始まりません。そのロックが支障になることもあります。',
  'The migration waits for a table that is locked exclusively, and sessions that queue behind it wait too.':
    '排他ロックされたテーブルを移行が待ち、その後ろの処理もすべて待ちます。',
  'A table belongs to one run at a time: a second one on the same tables is refused.':
    'テーブルを扱える移行は一度に一つだけです。同じテーブルに対する二つめの移行は拒否されます。',
  'They hold their locks and their snapshot until they are committed or rolled back, also across restarts; following cannot start before that.':
    '誰かが終わらせるまで、再起動してもロックとスナップショットを保持します。変更のストリームもその終了を待ちます。',
  'Following changes needs logical decoding, which requires wal_level = logical.':
    '変更を追従するには、論理デコードに必要な情報が WAL に記録されている必要があります。',
  'Following uses one slot and one WAL sender on the source.':
    '追従には、移行元のスロットと WAL 送信プロセスが一つずつ必要です。',
  'Reading changes requires the attribute REPLICATION; creating a publication requires the right CREATE on the database.':
    '変更を読むには REPLICATION 属性が、パブリケーションを作るにはデータベースでの作成権限が必要です。',
  'pg_hba.conf, a proxy or a pooler may allow queries but not replication.':
    'pg_hba.conf、プロキシ、プーラーは、問い合わせを通してもレプリケーションを通さないことがあります。',
  'Only the owner of a table can add it to a publication.':
    'テーブルをパブリケーションに加えられるのは、その所有者だけです。',
  'When a table without a usable replica identity is published, the source rejects UPDATE and DELETE on it.':
    '使えるレプリカアイデンティティのないテーブルを公開すると、移行元自身が UPDATE と DELETE を拒否します。',
  'Without a key, each UPDATE or DELETE searches the whole table for its row.':
    'キーがないと、UPDATE と DELETE のたびにテーブル全体から行を探します。',
  'Only the whole old row shows that both sides have changed the same row.':
    '両側で同じ行が変更されたことは、変更前の行全体がないと分かりません。',
  'A generated column is not sent: the destination computes it, and it cannot identify rows.':
    '生成列は送られません。移行先が計算し、行の特定には使えません。',
  'Changes are sent as rows of the source: row conditions need PostgreSQL 15 or later, and columns cannot be mapped.':
    '変更は移行元の行のまま届きます。一部の行だけを追従できるのは PostgreSQL 15 以降で、カラムの対応付けはできません。',
  'With ENABLE ALWAYS or ENABLE REPLICA a trigger fires a second time, for rows that are copied into an existing table or applied.':
    'ENABLE ALWAYS と ENABLE REPLICA のトリガーは、コピーまたは適用した行に対しても、もう一度実行されます。',
  'A rule that is enabled for replicas rewrites the statements that apply changes: its action would happen twice, or the change not at all.':
    'レプリカで有効なルールは、変更を適用する文を書き換えます。処理が二重になるか、変更が適用されません。',
  'Changes are applied with session_replication_role = replica, since triggers and foreign keys have already acted on the source.':
    '変更はレプリカとして適用されます。トリガーと外部キーは移行元で処理済みです。',
  'The position is committed together with the changes, so that none is lost and none is applied twice.':
    '適用した位置は変更と一緒にコミットされるため、変更が失われることも二重に適用されることもありません。',
  'After the switchover, changes of the new primary can be applied to the old one, if the new primary allows logical decoding.':
    '切り替え後も、新しいサーバーの変更を読み取れる限り、古いサーバーへ追従できます。',
  'While the copy runs, the source retains WAL for the slot. With a low limit the slot can be lost; without a limit the disk can fill up.':
    'コピー中、移行元はすべての変更を保持します。余裕が少なすぎるとスロットが失われ、上限がないとディスクがいっぱいになり得ます。',
  'A WAL sender that receives no reply for this long ends the stream. pgtrek reconnects, but each reconnection takes time.':
    'WAL 送信プロセスは、この時間応答がないとストリームを終了します。再開しますが、その都度時間がかかります。',
  'The source writes the changes of larger transactions to its disk and reads them again.':
    'メモリーに収まらないトランザクションの変更を、移行元はディスクに書き出し、読み直します。',
}
