//! What must be true of keys, by a second reckoning: a model of a few hundred lines that shares no code with the contract.
//!
//! It is told each call, says whether it has to go through, and then which grants live, what budgets hold and which labels
//! are taken. Where the contract keeps numbers that move, the model gives every state a stamp that was never given before,
//! so that "as it was" is one comparison whatever it depends on.

use std::collections::BTreeMap;

use serde_json::Value;

type Id = u64;
/// Given once, to one state of one thing.
type Stamp = u64;

pub struct Agent {
    pub owner: String,
    stamp: Stamp,
    armed: bool,
    /// By the one guardian there is, until it is sold.
    guarded: bool,
    gone: bool,
}

struct Host {
    operator: String,
    stamp: Stamp,
    /// Its generation, which calls have to name.
    generation: u64,
    revoked: bool,
}

struct Secret {
    agent: Id,
    /// Of the agent when it was added.
    of: Stamp,
    /// Moves when it is revoked.
    stamp: Stamp,
    version: u64,
    label: String,
    payer: String,
    retired: bool,
    /// Hosts that can open the newest version, as they were.
    sealed: BTreeMap<Id, Stamp>,
    /// Who could ever open it.
    recipients: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub level: u128,
    pub reserved: u128,
    pub spent: u128,
    capacity: u128,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Up,
    ByGrantor,
    ByOwner,
}

struct Grant {
    agent: Id,
    secret: Id,
    parent: Option<Id>,
    depth: u64,
    grantor: String,
    holder: String,
    path: String,
    expires_ms: u64,
    hosts: Vec<Id>,
    shut: bool,
    stands: Stands,
    revoked: bool,
    /// Moves when it is narrowed or revoked.
    stamp: Stamp,
    /// Of what it was made from.
    from: (Stamp, Stamp, Option<Stamp>),
    budget: Option<Budget>,
}

struct Lease {
    grant: Id,
    host: Id,
    amount: u128,
    expires_ms: u64,
}

#[derive(Default)]
pub struct Model {
    stamps: Stamp,
    guardian: String,
    pub agents: BTreeMap<Id, Agent>,
    hosts: BTreeMap<Id, Host>,
    secrets: BTreeMap<Id, Secret>,
    labels: BTreeMap<(Id, String), Id>,
    grants: BTreeMap<Id, Grant>,
    leases: BTreeMap<Id, Lease>,
    next_secret: Id,
    next_grant: Id,
    next_lease: Id,
    next_host: Id,
}

fn id(args: &Value, field: &str) -> Id {
    args[field].as_u64().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u128 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn path_of(policy: &Value) -> String {
    text(&policy["targets"][0]["paths"][0])
}

/// Whether `inner` is `outer` or below it, segment by segment.
fn below(inner: &str, outer: &str) -> bool {
    outer == "/" || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

impl Model {
    pub fn new(guardian: &str) -> Self {
        let first = 1;
        Self {
            guardian: guardian.to_owned(),
            next_secret: first,
            next_grant: first,
            next_lease: first,
            next_host: first,
            ..Self::default()
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.stamps += 1;
        self.stamps
    }

    pub fn add_agent(&mut self, id: Id, owner: &str) {
        let stamp = self.stamp();
        self.agents.insert(id, Agent { owner: owner.to_owned(), stamp, armed: true, guarded: true, gone: false });
    }

    pub fn add_host(&mut self, operator: &str) {
        let (stamp, host) = (self.stamp(), self.next_host);
        self.next_host += 1;
        self.hosts.insert(host, Host { operator: operator.to_owned(), stamp, generation: 0, revoked: false });
    }

    fn owns(&self, by: &str, agent: Id) -> bool {
        self.agents.get(&agent).is_some_and(|known| !known.gone && known.owner == by)
    }

    /// Whether an owner's wish for something new is granted.
    fn may_add(&self, by: &str, agent: Id) -> bool {
        self.owns(by, agent) && self.agents[&agent].armed
    }

    fn line(&self, id: Id) -> Option<Vec<Id>> {
        let mut line = vec![id];
        while let Some(parent) = self.grants.get(line.last()?)?.parent {
            line.push(parent);
        }
        Some(line)
    }

    /// Nothing it depends on, here, is another than when it was made, and its time has not run out.
    fn stands_here(&self, grant: Id, now_ms: u64) -> bool {
        let Some(line) = self.line(grant) else { return false };
        line.iter().all(|id| {
            let grant = &self.grants[id];
            let secret = self.secrets.get(&grant.secret);
            let same = secret.is_some_and(|secret| !secret.retired && secret.stamp == grant.from.1);
            let above = grant.parent.map(|parent| self.grants[&parent].stamp) == grant.from.2;
            !grant.revoked && grant.stands == Stands::Up && same && above && now_ms < grant.expires_ms
        })
    }

    pub fn lives(&self, id: Id, now_ms: u64) -> bool {
        let Some(grant) = self.grants.get(&id) else { return false };
        let Some(secret) = self.secrets.get(&grant.secret) else { return false };
        let agent = &self.agents[&secret.agent];
        let line = self.line(id).unwrap_or_default();
        let same = line.iter().all(|id| self.grants[id].from.0 == agent.stamp) && secret.of == agent.stamp;
        same && agent.armed && !agent.gone && self.stands_here(id, now_ms)
    }

    /// Whether an owner's panic is over is the registry's to say.
    pub fn set_armed(&mut self, agent: Id, armed: bool) {
        self.agents.get_mut(&agent).unwrap().armed = armed;
    }

    /// When a lease that was just made ends: by the time at which the call was executed.
    pub fn note_lease(&mut self, lease: Id, expires_ms: u64) {
        self.leases.get_mut(&lease).unwrap().expires_ms = expires_ms;
    }

    /// Whether it depends on a few seconds if a call goes through.
    pub fn is_close(&self, method: &str, args: &Value, now_ms: u64) -> bool {
        let lease = self.leases.get(&id(args, "lease"));
        method == "expire" && lease.is_some_and(|lease| lease.expires_ms.abs_diff(now_ms) < 20_000)
    }

    pub fn budgets(&self) -> BTreeMap<Id, Budget> {
        self.grants.iter().filter_map(|(id, grant)| Some((*id, grant.budget.clone()?))).collect()
    }

    pub fn grants(&self) -> impl Iterator<Item = Id> {
        self.grants.keys().copied()
    }

    fn terms_fit(&self, terms: &Value, above: &str, parent: Option<&Grant>, now_ms: u64) -> bool {
        let hosts: Vec<Id> = terms["hosts"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        let inherited = if hosts.is_empty() { parent.map_or(&[][..], |parent| &parent.hosts).to_vec() } else { hosts };
        let within = parent
            .is_none_or(|parent| parent.hosts.is_empty() || inherited.iter().all(|host| parent.hosts.contains(host)));
        let known = inherited.iter().all(|host| self.hosts.contains_key(host));
        let line = std::iter::successors(parent, |grant| grant.parent.map(|parent| &self.grants[&parent]));
        let counted = !terms["budget"].is_null() || line.into_iter().any(|grant| grant.budget.is_some());
        let expires_ms = id(terms, "expires_ms");
        below(&path_of(&terms["policy"]), above)
            && expires_ms > now_ms
            && parent.is_none_or(|parent| expires_ms <= parent.expires_ms)
            && within
            && known
            && !(counted && inherited.is_empty())
    }

    fn wraps_fit(&self, wraps: &Value) -> bool {
        wraps.as_array().unwrap().iter().all(|wrap| {
            let host = self.hosts.get(&id(wrap, "host"));
            host.is_some_and(|host| !host.revoked && host.generation == id(wrap, "host_generation"))
        })
    }

    /// Sealed to as it is now, and in service.
    fn opens(&self, secret: &Secret, host: Id) -> bool {
        let known = self.hosts.get(&host);
        known.is_some_and(|known| !known.revoked && secret.sealed.get(&host) == Some(&known.stamp))
    }

    fn is_approvable_now(&self, secret: Id, version: u64, by: &str) -> bool {
        let Some(known) = self.secrets.get(&secret) else { return false };
        !known.retired
            && known.version == version
            && self.may_add(by, known.agent)
            && known.of == self.agents[&known.agent].stamp
    }

    /// Whether a call with the right deposit has to go through.
    pub fn allows(&self, method: &str, args: &Value, by: &str, now_ms: u64) -> bool {
        let grant = self.grants.get(&id(args, "grant"));
        let secret = self.secrets.get(&id(args, "secret"));
        let host = self.hosts.get(&id(args, "host"));
        let revokes = |agent: Id| {
            let known = &self.agents[&agent];
            self.owns(by, agent) || (by == self.guardian && known.guarded && !known.gone)
        };
        match method {
            "add_credential" => {
                let label = (id(args, "agent"), text(&args["label_hash"]));
                let fits = |terms: &Value| self.terms_fit(terms, &path_of(&args["ceiling"]), None, now_ms);
                self.may_add(by, label.0)
                    && !self.labels.contains_key(&label)
                    && self.wraps_fit(&args["wraps"])
                    && args["grants"].as_array().unwrap().iter().all(fits)
            }
            "add_wraps" => {
                self.is_approvable_now(id(args, "secret"), id(args, "expected_version"), by)
                    && self.wraps_fit(&args["wraps"])
            }
            "rotate_secret" => {
                let sealed = |wrap: &Value| secret.is_some_and(|secret| self.opens(secret, id(wrap, "host")));
                self.is_approvable_now(id(args, "secret"), id(args, "expected_version"), by)
                    && self.wraps_fit(&args["wraps"])
                    && args["wraps"].as_array().unwrap().iter().all(sealed)
            }
            "retire_secret" => {
                secret.is_some_and(|secret| !secret.retired && (secret.payer == by || self.owns(by, secret.agent)))
            }
            "clean_secret" => secret.is_some_and(|secret| secret.retired),
            "forget_secret" => secret.is_some_and(|secret| {
                let agent = &self.agents[&secret.agent];
                secret.retired && secret.recipients == 0 && (agent.gone || agent.stamp != secret.of)
            }),
            "revoke_secret" => secret.is_some_and(|secret| revokes(secret.agent)),
            "grant" => secret.is_some_and(|secret| {
                self.is_approvable_now(id(args, "secret"), secret.version, by)
                    && self.terms_fit(&args["terms"], &path_of(&args["ceiling"]), None, now_ms)
            }),
            "delegate" => self.grants.get(&id(args, "parent")).is_some_and(|parent| {
                self.lives(id(args, "parent"), now_ms)
                    && parent.holder == by
                    && !parent.shut
                    && parent.depth < 4
                    && path_of(&args["parent_policy"]) == parent.path
                    && self.terms_fit(&args["terms"], &parent.path, Some(parent), now_ms)
            }),
            "narrow" => grant.is_some_and(|grant| {
                let expires_ms = id(args, "expires_ms");
                let allowed = grant.grantor == by || self.may_add(by, grant.agent);
                allowed
                    && !grant.revoked
                    && path_of(&args["policy"]) == grant.path
                    && below(&path_of(&args["narrower"]), &grant.path)
                    && expires_ms <= grant.expires_ms
                    && expires_ms > now_ms
            }),
            "suspend" => {
                grant.is_some_and(|grant| (grant.grantor == by && grant.stands == Stands::Up) || revokes(grant.agent))
            }
            "resume" => grant.is_some_and(|grant| match grant.stands {
                Stands::Up => false,
                Stands::ByGrantor if grant.grantor == by => true,
                _ => self.may_add(by, grant.agent),
            }),
            "renounce" => grant.is_some_and(|grant| grant.holder == by && !grant.revoked),
            "revoke_grant" => {
                grant.is_some_and(|grant| !grant.revoked && (grant.grantor == by || revokes(grant.agent)))
            }
            "remove_grant" => grant.is_some_and(|grant| grant.grantor == by && self.is_dead_for_good(grant, now_ms)),
            "revoke_host" | "remove_host" => host.is_some_and(|host| host.operator == by),
            "change_host_keys" => {
                host.is_some_and(|host| host.operator == by && host.generation == id(args, "generation"))
            }
            "reserve" => grant.is_some_and(|_| self.may_reserve(args, by, now_ms)),
            "settle" => self.leases.get(&id(args, "lease")).is_some_and(|lease| {
                let operates = self.hosts.get(&lease.host).is_some_and(|host| host.operator == by);
                operates && number(&args["used"]) <= lease.amount
            }),
            "expire" => self.leases.get(&id(args, "lease")).is_some_and(|lease| now_ms >= lease.expires_ms),
            "revoke_all" => revokes(id(args, "agent")),
            _ => true,
        }
    }

    fn is_dead_for_good(&self, grant: &Grant, now_ms: u64) -> bool {
        let secret = self.secrets.get(&grant.secret);
        let same = secret.is_some_and(|secret| !secret.retired && secret.stamp == grant.from.1);
        let above = grant.parent.map(|parent| self.grants.get(&parent).map(|parent| parent.stamp));
        let orphan = above.is_some_and(|above| above != grant.from.2);
        grant.revoked || !same || orphan || now_ms >= grant.expires_ms
    }

    fn may_reserve(&self, args: &Value, by: &str, now_ms: u64) -> bool {
        let (grant, host, amount) = (id(args, "grant"), id(args, "host"), number(&args["amount"]));
        let Some(known) = self.hosts.get(&host) else { return false };
        let leaf = &self.grants[&grant];
        let named = leaf.hosts.is_empty() || leaf.hosts.contains(&host);
        let Some(secret) = self.secrets.get(&leaf.secret) else { return false };
        let enough = || {
            let line = self.line(grant).unwrap_or_default();
            let mut budgets = line.iter().filter_map(|id| self.grants[id].budget.as_ref());
            budgets.all(|budget| amount <= budget.level)
        };
        known.operator == by && self.stands_here(grant, now_ms) && self.opens(secret, host) && named && enough()
    }

    /// What a call that went through has changed.
    pub fn done(&mut self, method: &str, args: &Value, by: &str, now_ms: u64) {
        let (grant, secret, host) = (id(args, "grant"), id(args, "secret"), id(args, "host"));
        match method {
            "add_credential" => self.add_credential(args, by),
            "add_wraps" => self.seal(secret, &args["wraps"]),
            "rotate_secret" => {
                let known = self.secrets.get_mut(&secret).unwrap();
                known.version += 1;
                known.sealed.clear();
                self.seal(secret, &args["wraps"]);
            }
            "retire_secret" => {
                let stamp = self.stamp();
                let known = self.secrets.get_mut(&secret).unwrap();
                (known.retired, known.stamp) = (true, stamp);
            }
            "clean_secret" => {
                let known = self.secrets.get_mut(&secret).unwrap();
                known.recipients = known.recipients.saturating_sub(20);
            }
            "forget_secret" => {
                let gone = self.secrets.remove(&secret).unwrap();
                self.labels.remove(&(gone.agent, gone.label));
            }
            "revoke_secret" => {
                let stamp = self.stamp();
                self.secrets.get_mut(&secret).unwrap().stamp = stamp;
            }
            "grant" => self.add_grant(secret, None, &args["terms"], by),
            "delegate" => {
                let parent = id(args, "parent");
                self.add_grant(self.grants[&parent].secret, Some(parent), &args["terms"], by);
            }
            "narrow" => {
                let stamp = self.stamp();
                let known = self.grants.get_mut(&grant).unwrap();
                known.path = path_of(&args["narrower"]);
                known.expires_ms = id(args, "expires_ms");
                known.stamp = stamp;
            }
            "suspend" => {
                let known = self.grants.get_mut(&grant).unwrap();
                let by_grantor = known.grantor == by && known.stands == Stands::Up;
                known.stands = if by_grantor { Stands::ByGrantor } else { Stands::ByOwner };
            }
            "resume" => self.grants.get_mut(&grant).unwrap().stands = Stands::Up,
            "renounce" | "revoke_grant" => {
                let stamp = self.stamp();
                let known = self.grants.get_mut(&grant).unwrap();
                (known.revoked, known.stamp) = (true, stamp);
            }
            "remove_grant" => {
                self.grants.remove(&grant);
            }
            "revoke_host" => {
                let stamp = self.stamp();
                let known = self.hosts.get_mut(&host).unwrap();
                (known.revoked, known.stamp, known.generation) = (true, stamp, known.generation + 1);
            }
            "change_host_keys" => {
                let stamp = self.stamp();
                let known = self.hosts.get_mut(&host).unwrap();
                (known.revoked, known.stamp, known.generation) = (false, stamp, known.generation + 1);
            }
            "remove_host" => {
                self.hosts.remove(&host);
            }
            "register_host" => self.add_host(by),
            "reserve" => self.reserve(args, now_ms),
            "settle" => self.end(id(args, "lease"), Some(number(&args["used"]))),
            "expire" => self.end(id(args, "lease"), None),
            _ => self.done_in_registry(method, args, by),
        }
    }

    fn done_in_registry(&mut self, method: &str, args: &Value, by: &str) {
        let moved: Vec<Id> = match method {
            "revoke_all" | "sell" | "retire" => vec![id(args, "agent")],
            "rearm" => args["agents"].as_array().unwrap().iter().filter_map(Value::as_u64).collect(),
            "panic_all" => self.agents.iter().filter(|(_, known)| known.owner == by).map(|(id, _)| *id).collect(),
            _ => Vec::new(),
        };
        for agent in moved {
            let stamp = self.stamp();
            let known = self.agents.get_mut(&agent).unwrap();
            known.stamp = stamp;
            match method {
                "panic_all" => known.armed = false,
                "rearm" => known.armed = true,
                "sell" => (known.owner, known.guarded) = (text(&args["to"]), false),
                "retire" => known.gone = true,
                _ => {}
            }
        }
    }

    fn add_credential(&mut self, args: &Value, by: &str) {
        let (agent, label) = (id(args, "agent"), text(&args["label_hash"]));
        let (secret, stamp) = (self.next_secret, self.stamp());
        self.next_secret += 1;
        let of = self.agents[&agent].stamp;
        self.labels.insert((agent, label.clone()), secret);
        let added = Secret {
            agent,
            of,
            stamp,
            version: 1,
            label,
            payer: by.to_owned(),
            retired: false,
            sealed: BTreeMap::new(),
            recipients: 0,
        };
        self.secrets.insert(secret, added);
        self.seal(secret, &args["wraps"]);
        for terms in args["grants"].as_array().unwrap() {
            self.add_grant(secret, None, terms, by);
        }
    }

    fn seal(&mut self, secret: Id, wraps: &Value) {
        for host in wraps.as_array().unwrap().iter().map(|wrap| id(wrap, "host")) {
            let stamp = self.hosts[&host].stamp;
            let known = self.secrets.get_mut(&secret).unwrap();
            let again = known.sealed.insert(host, stamp).is_some();
            known.recipients += u64::from(!again);
        }
    }

    fn add_grant(&mut self, secret: Id, parent: Option<Id>, terms: &Value, by: &str) {
        let (grant, stamp) = (self.next_grant, self.stamp());
        self.next_grant += 1;
        let above = parent.map(|parent| &self.grants[&parent]);
        let named: Vec<Id> = terms["hosts"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        let hosts = if named.is_empty() { above.map(|above| above.hosts.clone()).unwrap_or_default() } else { named };
        let capacity = number(&terms["budget"]["capacity"]);
        let budget = (capacity > 0).then_some(Budget { level: capacity, reserved: 0, spent: 0, capacity });
        let known = &self.secrets[&secret];
        let from = (self.agents[&known.agent].stamp, known.stamp, above.map(|above| above.stamp));
        let made = Grant {
            agent: known.agent,
            secret,
            parent,
            depth: above.map_or(0, |above| above.depth + 1),
            grantor: by.to_owned(),
            holder: text(&terms["grantee"]["account"]),
            path: path_of(&terms["policy"]),
            expires_ms: id(terms, "expires_ms"),
            hosts,
            shut: terms["no_delegation"] == true,
            stands: Stands::Up,
            revoked: false,
            stamp,
            from,
            budget,
        };
        self.grants.insert(grant, made);
    }

    /// Whether a reservation that goes through makes a lease: something is counted.
    pub fn lends(&self, args: &Value) -> bool {
        let line = self.line(id(args, "grant")).unwrap_or_default();
        number(&args["amount"]) > 0 && line.iter().any(|id| self.grants[id].budget.is_some())
    }

    fn reserve(&mut self, args: &Value, now_ms: u64) {
        let (grant, host, amount) = (id(args, "grant"), id(args, "host"), number(&args["amount"]));
        if !self.lends(args) {
            return;
        }
        for id in self.line(grant).unwrap_or_default() {
            if let Some(budget) = &mut self.grants.get_mut(&id).unwrap().budget {
                budget.level -= amount;
                budget.reserved += amount;
            }
        }
        let expires_ms = now_ms + id(args, "for_ms");
        self.leases.insert(self.next_lease, Lease { grant, host, amount, expires_ms });
        self.next_lease += 1;
    }

    /// What was used is spent, everywhere on the way up that is still there; the rest goes back.
    fn end(&mut self, lease: Id, used: Option<u128>) {
        let Lease { grant, amount, .. } = self.leases.remove(&lease).unwrap();
        let used = used.unwrap_or(amount);
        let mut next = Some(grant);
        while let Some(known) = next.and_then(|id| self.grants.get_mut(&id)) {
            next = known.parent;
            if let Some(budget) = &mut known.budget {
                budget.reserved -= amount;
                budget.spent += used;
                budget.level = (budget.level + amount - used).min(budget.capacity);
            }
        }
    }
}
