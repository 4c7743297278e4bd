/**
 * Who has to wait for whom: members that share a key go one after the other, in the order in which they came.
 *
 * Each key has a line; a member stands in the line of each of its keys and may go when it is first in all of them. Who shares a key
 * with somebody in between stands behind that one too, so the order holds over the whole conversation without joining its keys.
 */
export interface ConversationOrder<Member> {
  /** Puts the member at the end of its lines. */
  join(member: Member, keys: readonly string[]): void;
  /** @returns those behind it that may go now. */
  leave(member: Member): readonly Member[];
  mayGo(member: Member): boolean;
  /** Those right before it, one for each line that it is not first in. */
  ahead(member: Member): readonly Member[];
  /** Those right behind it. */
  behind(member: Member): readonly Member[];
  has(member: Member): boolean;
}

interface Place<Member> {
  readonly member: Member;
  ahead: Place<Member> | null;
  behind: Place<Member> | null;
}

export function createConversationOrder<Member extends object>(): ConversationOrder<Member> {
  /** The last of each line. */
  const ends = new Map<string, Place<Member>>();
  const places = new Map<Member, readonly (readonly [string, Place<Member>])[]>();

  const placesOf = (member: Member): readonly (readonly [string, Place<Member>])[] =>
    places.get(member) ?? [];
  const mayGo = (member: Member): boolean => placesOf(member).every(([, place]) => place.ahead === null);

  return {
    join: (member, keys) => {
      const own = [...new Set(keys)].map((key) => {
        const ahead = ends.get(key) ?? null;
        const place: Place<Member> = { member, ahead, behind: null };
        if (ahead !== null) ahead.behind = place;
        ends.set(key, place);
        return [key, place] as const;
      });
      places.set(member, own);
    },
    leave: (member) => {
      const freed = new Set<Member>();
      for (const [key, { ahead, behind }] of placesOf(member)) {
        if (ahead !== null) ahead.behind = behind;
        if (behind !== null) {
          behind.ahead = ahead;
          freed.add(behind.member);
        } else if (ahead === null) ends.delete(key);
        else ends.set(key, ahead);
      }
      places.delete(member);
      return [...freed].filter(mayGo);
    },
    mayGo,
    ahead: (member) => placesOf(member).flatMap(([, { ahead }]) => (ahead === null ? [] : [ahead.member])),
    behind: (member) =>
      placesOf(member).flatMap(([, { behind }]) => (behind === null ? [] : [behind.member])),
    has: (member) => places.has(member),
  };
}
