// The server's messages about roles.
import type { Messages } from '../messages.ts'

export const rolesMessages: Messages = {
  'the role "{}" could not be created': 'ロール "{0}" を作成できませんでした',
  'the connection to the destination was lost before this step': 'この手順の前に移行先との接続が切れました',
  'the plan sets a password for "{}", but there is none to set':
    '計画では "{0}" にパスワードを設定しますが、設定するパスワードがありません',
  'roles that already exist on the destination would get more rights. Nothing was changed. Confirm with --yes, or keep these roles unchanged with --roles skip.':
    '移行先に既にあるロールの権限が増えることになります。何も変更していません。--yes で承認するか、--roles skip でこれらのロールを変えずに残してください。',
  'it was not set': '設定されませんでした',
  'password hashes are sent unencrypted to or from {}: use sslmode=require for this server':
    '{0} とパスワードのハッシュを暗号化せずにやり取りすることになります。このサーバーには sslmode=require を使ってください',
  '{} is a standby, which is read-only: connect to its primary':
    '{0} は読み取り専用のスタンバイです。プライマリに接続してください',
  'PostgreSQL {} cannot grant it without the right to SET ROLE, so the member would get more rights than on the source':
    'PostgreSQL {0} では SET ROLE の権利なしには付与できず、メンバーの権限が移行元より増えます',
  '"{}" is the initial superuser of the source; on the destination that is "{}"':
    '"{0}" は移行元の初期スーパーユーザーです。移行先では "{1}" がそれに当たります',
  '"{}" is a superuser on the destination but not on the source: its members would get more rights than on the source':
    '"{0}" は移行先ではスーパーユーザーですが、移行元では違います。メンバーの権限が移行元より増えます',
  'PostgreSQL {} does not have this role': 'PostgreSQL {0} にこのロールはありません',
  'it is {} on the source, and the destination has no role of this name':
    '移行元では{0}で、移行先に同じ名前のロールがありません',
  'the role that it is a member of cannot be created': 'メンバーになる先のロールを作成できません',
  '"{}" is not selected, and the destination has no role of this name (source: PostgreSQL {})':
    '"{0}" は選択されておらず、移行先に同じ名前のロールがありません（移行元：PostgreSQL {1}）',
  'a different one ({})': '異なるパスワードがあります（{0}）',
  'it has none on the destination': '移行先ではパスワードがありません',
  'passwords are not migrated (--no-passwords)': 'パスワードは移行しません（--no-passwords）',
  'the source stores it in a format that no supported server accepts':
    '移行元が、どのサーバーも受け付けない形式で保存しています',
  '"{}" may not read it on the source': '"{0}" には移行元でパスワードを読む権限がありません',
  'settings in {} are not migrated: the destination does not have these databases yet (run this again when they exist)':
    '{0} での設定は移行しません。移行先にこれらのデータベースがまだありません（作成後にもう一度実行してください）',
  'only a superuser may set it for all roles, and "{}" is not a superuser on the destination':
    '全ロールへの設定はスーパーユーザーだけができますが、"{0}" は移行先のスーパーユーザーではありません',
  'PostgreSQL {} on the destination does not have this setting':
    '移行先の PostgreSQL {0} にこの設定はありません',
  '"{}" may not set it on the destination': '"{0}" には移行先で設定する権限がありません',
  'PostgreSQL {} does not support grants on parameters':
    'PostgreSQL {0} はパラメーターへの権限付与に対応していません',
  '"{}" may not create roles on the destination (CREATEROLE)':
    '"{0}" には移行先でロールを作成する権限がありません（CREATEROLE）',
  'only a superuser may grant {}, and "{}" is not a superuser on the destination':
    '{0} を付与できるのはスーパーユーザーだけですが、"{1}" は移行先のスーパーユーザーではありません',
  '"{}" may not grant {}: it does not have it on the destination':
    '"{0}" は移行先で {1} を持っていないため、付与できません',
  'only a superuser may grant {} before PostgreSQL 16, and "{}" is not a superuser on the destination':
    'PostgreSQL 16 より前で {0} を付与できるのはスーパーユーザーだけですが、"{1}" は移行先のスーパーユーザーではありません',
  '"{}" is a superuser on the destination, and "{}" is not':
    '"{0}" は移行先のスーパーユーザーですが、"{1}" は違います',
  '"{}" may not change roles on the destination (CREATEROLE)':
    '"{0}" には移行先でロールを変更する権限がありません（CREATEROLE）',
  '"{}" has no ADMIN OPTION on "{}" on the destination':
    '"{0}" には移行先で "{1}" への ADMIN OPTION がありません',
  '"{}" has REPLICATION on the destination, so only a superuser may change it':
    '"{0}" は移行先で REPLICATION を持つため、スーパーユーザーだけが変更できます',
  '"{}" does not own the database "{}" on the destination':
    '"{0}" は移行先のデータベース "{1}" の所有者ではありません',
  'only a superuser may grant it, and "{}" is not a superuser on the destination':
    '付与できるのはスーパーユーザーだけですが、"{0}" は移行先のスーパーユーザーではありません',
  'a role of PostgreSQL itself': 'PostgreSQL 自身のロール',
  'a role of the provider ({})': '提供元（{0}）のロール',
  'the initial superuser of its server': 'サーバーの初期スーパーユーザー',
  '{} has its password as MD5: such a password works only if pg_hba.conf has md5, not scram-sha-256, and only while the role keeps its name{}':
    '{0} のパスワードは MD5 です。このようなパスワードが使えるのは、pg_hba.conf が scram-sha-256 ではなく md5 で、ロールの名前が変わらない間だけです{1}',
  '{} have their passwords as MD5: such a password works only if pg_hba.conf has md5, not scram-sha-256, and only while the role keeps its name{}':
    '{0} のパスワードは MD5 です。このようなパスワードが使えるのは、pg_hba.conf が scram-sha-256 ではなく md5 で、ロールの名前が変わらない間だけです{1}',
  '; PostgreSQL {} still accepts it, but a future version will not: set a new password':
    '。PostgreSQL {0} ではまだ使えますが、将来の版では使えなくなります。新しいパスワードを設定してください',
  'cannot check whether {} has the same password on the destination: the role already existed, and its password is kept':
    '{0} のパスワードが移行先と同じか確認できません。ロールは既にあるため、そのパスワードを残します',
  'cannot check whether {} have the same password on the destination: the roles already existed, and their passwords are kept':
    '{0} のパスワードが移行先と同じか確認できません。ロールは既にあるため、そのパスワードを残します',
  '"{}" may not read passwords on the source (pg_authid): new roles get the common password':
    '"{0}" には移行元のパスワードを読む権限がありません（pg_authid）。新しいロールには共通のパスワードを設定します',
  '"{}" may not read passwords on the source (pg_authid): new roles have none':
    '"{0}" には移行元のパスワードを読む権限がありません（pg_authid）。新しいロールにはパスワードを設定しません',
  '"{}" is a member of "{}" and inherits its rights: before PostgreSQL 16 this is set for all memberships together, by NOINHERIT of "{}"':
    '"{0}" は "{1}" のメンバーで、権限を継承します。PostgreSQL 16 より前では、"{2}" の NOINHERIT で全メンバーシップにまとめて設定されます',
  '"{}" is a member of "{}" but does not inherit its rights: before PostgreSQL 16 this is set for all memberships together, by INHERIT of "{}"':
    '"{0}" は "{1}" のメンバーですが、権限を継承しません。PostgreSQL 16 より前では、"{2}" の INHERIT で全メンバーシップにまとめて設定されます',
}
