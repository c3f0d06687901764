// The server's messages about fleets: databases, actions, instructions, doctor, notifications.
import type { Messages } from '../messages.ts'

export const fleetMessages: Messages = {
  'no fleet is configured: use --config fleet.yaml, or variables such as PGTREK_MAPPINGS__0__SOURCE__URL (docs/fleet.md)':
    '一括移行の設定がありません。--config fleet.yaml か PGTREK_MAPPINGS__0__SOURCE__URL などの環境変数を使ってください（docs/fleet.md）',
  '--config: {} cannot be read: {}': '--config：{0} を読めません：{1}',
  '{}: {} cannot be read: {}': '{0}：{1} を読めません：{2}',
  '{}: two mappings are named {}': '{0}：{1} という名前の対応付けが 2 つあります',
  '{} exists and is not empty. It was not changed. Empty it, rename it, or exclude {} from the mapping {}':
    '{0} は既にあり、空ではありません。変更していません。空にするか、名前を変えるか、対応付け {2} から {1} を除外してください',
  '{} is running in another process: {}': '{0} は別のプロセスで実行中です：{1}',
  'an earlier process was interrupted while it copied rows: copying them again':
    '以前のプロセスが行のコピー中に中断されたため、コピーし直しています',
  'the rows of {} were copied, and their changes are no longer followed: slot and publication were cleaned up. If its application uses the destination, mark it complete; to copy it again, drop the database on the destination and retry':
    '{0} は行をコピーしましたが、変更を追従していません（スロットとパブリケーションは片付け済み）。アプリケーションが移行先を使っていれば完了にしてください。コピーし直す場合は、移行先のデータベースを削除してから再試行してください',
  'it was stopped before its rows were copied': '行をコピーする前に止められました',
  '{} is not followed': '{0} は追従していません',
  '{} is {}, and cannot be paused in this state': '{0} の状態は {1} のため、一時停止できません',
  '{} is {}: there is nothing to retry': '{0} の状態は {1} です。再試行するものはありません',
  'it is {}, and cannot be marked complete in this state': '状態が {0} のため、完了にできません',
  'the mark "{}" could not be written: {}': '「{0}」という印を書き込めませんでした：{1}',
  'another command has stopped following': '別の操作で追従を止めました',
  '{}; this process continues the move when that one ends':
    '{0}。その移行が終わったら、このプロセスが続けます',
  "pgtrek's own stream": 'pgtrek のストリーム',
  'The database on the destination': '移行先のデータベース',
  'A fleet creates each database with the settings of the source, and changes no existing database that it did not create.':
    '一括移行は、移行元の設定で各データベースを作成します。自分で作成していない既存のデータベースは変更しません。',
  'it exists and is not empty': '既にあり、空ではありません',
  'Empty it, rename it, or exclude it from the mapping.':
    '空にするか、名前を変えるか、対応付けから除外してください。',
  'it exists and is empty': '既にあり、空です',
  'a copy was interrupted: it will be copied again': 'コピーが中断されています。コピーし直します',
  'it is copied already: no further checks': 'コピー済みです。ほかのチェックはありません',
  'it is switched over: no further checks': '切り替え済みです。ほかのチェックはありません',
  'it was switched over and has returned to the source: no further checks':
    '切り替え後に移行元へ戻っています。ほかのチェックはありません',
  'it is marked complete: no further checks': '完了にされています。ほかのチェックはありません',
  '"{}" may not create databases there': '"{0}" には移行先でデータベースを作成する権限がありません',
  'Give the role CREATEDB, or create the database yourself.':
    'ロールに CREATEDB を付与するか、自分でデータベースを作成してください。',
  'a role with CREATEROLE and CREATEDB, or {}': 'CREATEROLE と CREATEDB のあるロール、または{0}',
  'it will be created': '作成します',
  'Roles of the instances': 'インスタンスのロール',
  'Roles are migrated before the databases: objects of a missing role are owned by the connecting role instead.':
    'ロールはデータベースより先に移行します。ロールがない場合、そのオブジェクトは接続中のロールの所有になります。',
  '{}: no password ({})': '{0}：パスワードなし（{1}）',
  '{} changes will be made': '{0} 件を変更します',
  'some roles differ, so none would be changed': '異なるロールがあるため、何も変更しません',
  'some settings of roles cannot be migrated': '移行できないロールの設定があります',
  'Run "pgtrek roles --dry-run" for details.': '詳細は "pgtrek roles --dry-run" で確認してください。',
  'they cannot be migrated to {}: {}': '{0} に移行できません：{1}',
  'Connect as a role with the privilege, or create the roles yourself (roles: none).':
    '権限のあるロールで接続するか、ロールを自分で作成してください（roles: none）。',
  'there is no such mapping or database': 'その対応付けまたはデータベースはありません',
  'the workers cannot be listed: {}': 'ワーカーの一覧を取得できません：{0}',
  'rows could not be counted: {}': '行数を数えられませんでした：{0}',
  'nothing has failed: there is nothing to retry': '失敗したものはありません。再試行するものはありません',
  'changes flow back from none of them: they were not switched over with keep_reverse':
    '変更を送り返しているものがありません。keep_reverse を付けて切り替えていません',
  'none of them is followed and has caught up': '追従中で追い付いているものがありません',
  '{} is {}: switch over first, then mark it complete':
    '{0} の状態は {1} です。先に切り替えてから完了にしてください',
  'nothing was left to drop': '削除するものは残っていません',
  '{}: the source has no database {}': '{0}：移行元にデータベース {1} がありません',
  "the database's collation is of the provider {}, which {} (PostgreSQL {}) does not have: create the database there by hand, with a collation of your choice":
    'このデータベースの照合順序はプロバイダー {0} のもので、{1}（PostgreSQL {2}）にはありません。照合順序を選んで、手作業でデータベースを作成してください',
  'Stop the applications that write to {} ({}) before the copy starts: later changes are not copied.':
    'コピーが始まる前に、{0} に書き込むアプリケーションを止めてください（{1}）。後の変更はコピーしません。',
  'Wait until every database of {} is synced and the row-count difference is 0.':
    '{0} の全データベースが同期済みで、行数の差が 0 になるまで待ちます。',
  'Point the applications to {} and start them.': 'アプリケーションの接続先を {0} に変え、起動します。',
  'Mark {} complete.': '{0} を完了にします。',
  'The commands below take passwords from the passfile (~/.pgpass) or from PGPASSWORD.':
    '以下のコマンドは、パスワードをパスファイル（~/.pgpass）または PGPASSWORD から読み取ります。',
  'Wait until every database of {} ({}) is ready and the row-count difference is 0.':
    '{0} の全データベース（{1}）が切り替え可能で、行数の差が 0 になるまで待ちます。',
  'List the sessions on {}: {}': '{0} のセッションを確認します：{1}',
  'Tell the users of {} that these databases become and stay read-only. (A switchover that fails makes its database writable again.) To keep them writable, stop the applications yourself and omit --read-only-source below.':
    '{0} の利用者に、これらのデータベースが読み取り専用になり、そのままになることを知らせます。（切り替えに失敗したデータベースは書き込みできるように戻ります。）書き込みできるままにするには、アプリケーションを自分で止め、以下の --read-only-source を省いてください。',
  'Point the applications to {} and start them. Set the passwords of roles that need one.':
    'アプリケーションの接続先を {0} に変え、起動します。必要なロールにパスワードを設定します。',
  "Check that {} can be written to: {} answers off. Check the applications' logs.":
    '{0} に書き込めることを確認します：{1} の結果が off であること。アプリケーションのログも確認します。',
  'When you are sure: mark {} complete. Slots, publications and positions are dropped on both sides; read-only databases stay read-only. To make it writable again after that: {}':
    '問題がないと確認できたら、{0} を完了にします。両側のスロット、パブリケーション、位置を削除します。読み取り専用のデータベースはそのままです。その後で書き込みできるようにする場合：{1}',
  '{}: {n} not sent': '{0}：{1}を送信していません',
  '{}: {n} not delivered: {}': '{0}：{1}を届けられませんでした：{2}',
  '{}: {n} dropped, because too many were waiting': '{0}：待ちが多すぎたため{1}を破棄しました',
  'notifications to {}': '{0} への通知',
  'it answered HTTP {}': 'HTTP {0} が返されました',
  'no answer within the time limit': '制限時間内に応答がありません',
  'Switch over, from the board, or on this machine, whether the fleet runs or not, with: {} . Each one succeeds with both sides compared, or leaves its database unchanged.':
    '切り替えます。進捗画面から、またはこのマシンで（一括移行の実行中でも停止中でも）次のコマンドを実行します：{0} 。どのデータベースも、両側を比較して切り替わるか、元のままです。',
  'While changes flow back (a fleet that is running or restarted applies them), you can return, from the board, or on this machine, whether the fleet runs or not, with: {} . It makes {} writable again; {} then stays read-only.':
    '変更を送り返している間は（一括移行を実行または再開すると適用されます）戻せます。進捗画面から、またはこのマシンで（一括移行の実行中でも停止中でも）次のコマンドを実行します：{0} 。{1} に再び書き込めるようになり、{2} は読み取り専用になります。',
  'Switch over, from the board, or, after stopping this fleet (it keeps nothing that another process could read), with: {} . Each one succeeds with both sides compared, or leaves its database unchanged.':
    '切り替えます。進捗画面から、またはこの一括移行を止めた後で（ほかのプロセスが読める記録はありません）次のコマンドを実行します：{0} 。どのデータベースも、両側を比較して切り替わるか、元のままです。',
  'While changes flow back (a fleet that is running or restarted applies them), you can return, from the board, or, after stopping this fleet (it keeps nothing that another process could read), with: {} . It makes {} writable again; {} then stays read-only.':
    '変更を送り返している間は（一括移行を実行または再開すると適用されます）戻せます。進捗画面から、またはこの一括移行を止めた後で（ほかのプロセスが読める記録はありません）次のコマンドを実行します：{0} 。{1} に再び書き込めるようになり、{2} は読み取り専用になります。',
  '{} changes made, {} failed, {} not possible from here':
    '{0} 件を変更、{1} 件が失敗、{2} 件はここからは変更できません',
  '{} roles differ, and nothing was changed': '{0} 件のロールが異なるため、何も変更していません',
  'returning {} databases, one after another': '{0} 件のデータベースを 1 件ずつ戻します',
  'switching over {} databases, one after another': '{0} 件のデータベースを 1 件ずつ切り替えます',
  '{} are not ready': '{0} 件はまだ切り替えできません',
  '{} uses the extension {}, not available on {}: install the packages there, or leave them out with skip_extensions. Nothing was changed':
    '{0} は拡張機能 {1} を使いますが、{2} にはありません。パッケージをインストールするか、skip_extensions で除外してください。何も変更していません',
  '{} uses the extensions {}, not available on {}: install the packages there, or leave them out with skip_extensions. Nothing was changed':
    '{0} は拡張機能 {1} を使いますが、{2} にはありません。パッケージをインストールするか、skip_extensions で除外してください。何も変更していません',
  '{} could not be copied: {}, and {} more. To copy the database again, drop it on the destination and retry':
    '{0} をコピーできませんでした：{1}（ほか {2} 件）。データベースをコピーし直すには、移行先で削除してから再試行してください',
  '{} could not be copied: {}. To copy the database again, drop it on the destination and retry':
    '{0} をコピーできませんでした：{1}。データベースをコピーし直すには、移行先で削除してから再試行してください',
}
