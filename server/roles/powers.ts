// What the connecting role may do to roles of the destination, for each major, so that a plan contains no statement
// that the server would reject.
import { say } from '../../shared/say.ts'
import { type Attribute, type InstanceRoles, membershipOptionsSince } from './read.ts'
import { attributeWords } from './statements.ts'

/** Each method returns the reason why the statement is not allowed, or undefined. */
export class Powers {
  constructor(
    readonly there: InstanceRoles,
    /** Roles that this plan creates: their creator may change them in every way. */
    private readonly made: ReadonlySet<string>,
  ) {}

  createRoles(): string | undefined {
    const { name, superuser, createRole } = this.there.self
    return superuser || createRole
      ? undefined
      : say`"${name}" may not create roles on the destination (CREATEROLE)`
  }

  /** https://www.postgresql.org/docs/16/release-16.html: since 16 a role can grant only attributes that it has itself. */
  give(attribute: Attribute): string | undefined {
    const { self, major } = this.there
    if (self.superuser || attribute === 'inherit' || attribute === 'login' || attribute === 'createRole') {
      return undefined
    }
    const word = attributeWords[attribute].toUpperCase()
    if (attribute === 'superuser')
      return say`only a superuser may grant ${word}, and "${self.name}" is not a superuser on the destination`
    if (major >= membershipOptionsSince) {
      return self[attribute]
        ? undefined
        : say`"${self.name}" may not grant ${word}: it does not have it on the destination`
    }
    if (attribute === 'createDatabase') return undefined
    return say`only a superuser may grant ${word} before PostgreSQL 16, and "${self.name}" is not a superuser on the destination`
  }

  alter(role: string): string | undefined {
    const { self, major, roles } = this.there
    if (self.superuser || this.made.has(role)) return undefined
    const target = roles.get(role)
    if (target?.superuser) return say`"${role}" is a superuser on the destination, and "${self.name}" is not`
    if (!self.createRole) return say`"${self.name}" may not change roles on the destination (CREATEROLE)`
    if (major >= membershipOptionsSince) {
      return self.adminOf.has(role)
        ? undefined
        : say`"${self.name}" has no ADMIN OPTION on "${role}" on the destination`
    }
    return target?.replication
      ? say`"${role}" has REPLICATION on the destination, so only a superuser may change it`
      : undefined
  }

  grant(role: string): string | undefined {
    const { self, major, roles } = this.there
    if (self.superuser || this.made.has(role) || self.adminOf.has(role)) return undefined
    if (roles.get(role)?.superuser)
      return say`"${role}" is a superuser on the destination, and "${self.name}" is not`
    if (major < membershipOptionsSince && self.createRole) return undefined
    return say`"${self.name}" has no ADMIN OPTION on "${role}" on the destination`
  }

  changeDatabase(database: string): string | undefined {
    const { self, databases } = this.there
    return self.superuser || databases.get(database)?.mayChange
      ? undefined
      : say`"${self.name}" does not own the database "${database}" on the destination`
  }

  grantParameters(): string | undefined {
    const { self } = this.there
    return self.superuser
      ? undefined
      : say`only a superuser may grant it, and "${self.name}" is not a superuser on the destination`
  }
}
