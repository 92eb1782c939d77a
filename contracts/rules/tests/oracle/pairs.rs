//! Random pairs of policies, most of them close to each other: the second made from the first by taking away, and then
//! often by one step too far. Limits are small, so that whoever reads the pairs can try every value.

use charter_rules::policy;
use charter_types::U128;
use charter_types::keys::{Effect, Inject, Method, NearCall, Policy, Rate, Scheme, Target};

const HOSTS: [&str; 7] = ["a.com", "*.a.com", "b.a.com", "*.b.a.com", "c.b.a.com", "xa.com", "*.com"];
const PATHS: [&str; 9] = ["/", "/v1", "/v1/", "/v10", "/v1/chat", "/v1/chat/x", "/v1/chats", "/v2", "/v2/chat"];
const PORTS: [u16; 4] = [80, 443, 444, 8_080];
const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];
const EFFECTS: [Effect; 6] =
    [Effect::Read, Effect::Write, Effect::Delete, Effect::Message, Effect::Spend, Effect::Sign];
const CONTRACTS: [&str; 3] = ["a.near", "b.near", "c.a.near"];
const CALLS: [&str; 4] = ["ft_transfer", "ft_transfer_call", "mint", "burn"];

/// SplitMix64 (Steele, Lea, Flood 2014): the same pairs on every machine.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).expect("a length");
        usize::try_from(self.below(length)).expect("less than a length")
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())].clone()
    }

    /// Some of the items, at least one, in their order and each once.
    fn some<T: Clone + Ord>(&mut self, items: &[T], chance: u64) -> Vec<T> {
        let mut chosen: Vec<T> = items.iter().filter(|_| self.percent(chance)).cloned().collect();
        if chosen.is_empty() {
            chosen.push(self.pick(items));
        }
        chosen.sort();
        chosen.dedup();
        chosen
    }

    fn limit(&mut self) -> u32 {
        u32::try_from(self.below(4)).expect("a small number")
    }

    fn slot(&mut self) -> Inject {
        match self.below(8) {
            0 => Inject::Query { name: "key".to_owned() },
            1 => Inject::Header { name: "x-key".to_owned(), prefix: String::new() },
            2 => Inject::None,
            _ => Inject::Header { name: "authorization".to_owned(), prefix: "Bearer ".to_owned() },
        }
    }

    fn rate(&mut self) -> Option<Rate> {
        let uses = u32::try_from(1 + self.below(5)).expect("a small number");
        self.percent(60).then(|| Rate { uses, per_ms: 1 + self.below(7) })
    }

    fn target(&mut self) -> Target {
        Target {
            scheme: if self.percent(85) { Scheme::Https } else { Scheme::Http },
            host: self.pick(&HOSTS).to_owned(),
            port: if self.percent(80) { 443 } else { self.pick(&PORTS) },
            paths: self.some(&PATHS, 20).into_iter().map(str::to_owned).collect(),
            methods: self.some(&METHODS, 35),
        }
    }

    fn call(&mut self) -> NearCall {
        NearCall {
            contract: self.pick(&CONTRACTS).parse().expect("an account id"),
            methods: self.some(&CALLS, 35).into_iter().map(str::to_owned).collect(),
            deposit_max: U128(u128::from(self.below(4))),
            gas_max: self.below(4),
        }
    }

    /// Gives a policy the effects that its methods have, and perhaps more. One without targets has no effects and no limits
    /// that no request of it could reach: those count as written, and no request tells them apart.
    fn settle(&mut self, mut policy: Policy, more: u64) -> Policy {
        let effects = policy.targets.iter().flat_map(|target| &target.methods).copied().map(policy::effect);
        policy.effects.extend(effects);
        policy.effects.extend(EFFECTS.iter().copied().filter(|_| self.percent(more)));
        if policy.targets.is_empty() {
            (policy.effects, policy.body_bytes_max) = (Vec::new(), 0);
        }
        if !policy.near_calls.is_empty() {
            policy.effects.push(Effect::Sign);
        }
        policy.effects.sort();
        policy.effects.dedup();
        policy
    }

    fn policy(&mut self) -> Policy {
        let targets = if self.percent(90) { 1 + self.below(3) } else { 0 };
        let calls = if targets == 0 { 1 + self.below(2) } else { self.below(5) / 2 };
        let policy = Policy {
            effects: Vec::new(),
            targets: (0..targets).map(|_| self.target()).collect(),
            inject: self.slot(),
            body_bytes_max: self.limit(),
            response_bytes_max: self.limit(),
            rate: self.rate(),
            near_calls: (0..calls).map(|_| self.call()).collect(),
        };
        self.settle(policy, 25)
    }

    /// What it allows is the same, in more targets: no single one may cover what all of them cover.
    fn split(&mut self, policy: &mut Policy) {
        let Some(target) = policy.targets.pop() else { return };
        let at = self.index(target.methods.len());
        let (left, right) = target.methods.split_at(at);
        for methods in [left, right] {
            if !methods.is_empty() {
                policy.targets.push(Target { methods: methods.to_vec(), ..target.clone() });
            }
        }
        let at = self.index(CALLS.len());
        if let Some(call) = policy.near_calls.pop() {
            let (left, right): (Vec<_>, Vec<_>) =
                call.methods.iter().cloned().partition(|name| name.as_str() < CALLS[at]);
            for methods in [left, right] {
                if !methods.is_empty() {
                    policy.near_calls.push(NearCall { methods, ..call.clone() });
                }
            }
        }
    }

    fn narrow_target(&mut self, target: &Target) -> Target {
        let host = match (target.host.strip_prefix("*."), self.below(3)) {
            (Some(suffix), 0) => format!("b.{suffix}"),
            (Some(suffix), 1) => format!("*.b.{suffix}"),
            _ => target.host.clone(),
        };
        let mut paths = self.some(&target.paths, 70);
        for path in &mut paths {
            if self.percent(30) {
                *path = format!("{}/chat", path.trim_end_matches('/'));
            }
        }
        paths.sort();
        paths.dedup();
        Target { host, paths, methods: self.some(&target.methods, 70), ..target.clone() }
    }

    /// A policy within another: less of everything.
    pub fn narrow(&mut self, wide: &Policy) -> Policy {
        let mut targets = Vec::new();
        for target in &wide.targets {
            if self.percent(70) {
                targets.push(self.narrow_target(target));
            }
        }
        let mut near_calls: Vec<NearCall> = wide.near_calls.iter().filter(|_| self.percent(70)).cloned().collect();
        for call in &mut near_calls {
            call.methods = self.some(&call.methods, 70);
            call.deposit_max = U128(call.deposit_max.0.saturating_sub(u128::from(self.below(2))));
            call.gas_max = call.gas_max.saturating_sub(self.below(2));
        }
        if targets.is_empty() && near_calls.is_empty() {
            (targets, near_calls) = (wide.targets.clone(), wide.near_calls.clone());
        }
        let rate = match wide.rate {
            Some(rate) => Some(Rate { per_ms: rate.per_ms + self.below(2), ..rate }),
            None => self.rate(),
        };
        let effects = wide.effects.iter().copied().filter(|_| self.percent(70)).collect();
        let narrower = Policy {
            effects,
            targets,
            inject: wide.inject.clone(),
            body_bytes_max: wide.body_bytes_max.saturating_sub(self.limit() / 2),
            response_bytes_max: wide.response_bytes_max.saturating_sub(self.limit() / 2),
            rate,
            near_calls,
        };
        self.settle(narrower, 0)
    }

    /// One field, one step from where it was.
    fn step(&mut self, policy: &mut Policy) {
        let (at, call_at) = (self.index(policy.targets.len().max(1)), self.index(policy.near_calls.len().max(1)));
        let (target, call) = (policy.targets.get_mut(at), policy.near_calls.get_mut(call_at));
        match (self.below(14), target, call) {
            (0, Some(target), _) => target.paths = vec![self.pick(&PATHS).to_owned()],
            (1, Some(target), _) => target.paths[0].push('0'),
            (2, Some(target), _) => target.port += 1,
            (3, Some(target), _) => self.pick(&HOSTS).clone_into(&mut target.host),
            (4, Some(target), _) => {
                target.methods.push(self.pick(&METHODS));
                target.methods.sort();
                target.methods.dedup();
            }
            (5, Some(target), _) => target.scheme = Scheme::Http,
            (6, Some(_), _) => policy.body_bytes_max += 1,
            (7, Some(_), _) => policy.effects.push(self.pick(&EFFECTS)),
            (8, _, Some(call)) => call.deposit_max.0 += 1,
            (9, _, Some(call)) => call.gas_max += 1,
            (10, _, Some(call)) => call.methods = vec![self.pick(&CALLS).to_owned()],
            (11, ..) => policy.inject = self.slot(),
            (12, ..) => policy.response_bytes_max += 1,
            _ => policy.rate = self.rate(),
        }
    }

    /// A policy, and one that may or may not lie within it.
    pub fn pair(&mut self) -> (Policy, Policy) {
        loop {
            let mut outer = self.policy();
            let mut inner = if self.percent(85) { self.narrow(&outer) } else { self.policy() };
            if self.percent(60) {
                self.step(&mut inner);
                inner = self.settle(inner, 0);
            }
            if self.percent(40) {
                self.split(&mut outer);
            }
            for policy in [&mut inner, &mut outer] {
                for target in &mut policy.targets {
                    target.paths.sort();
                    target.paths.dedup();
                }
            }
            if policy::check(&inner).is_ok() && policy::check(&outer).is_ok() {
                return (inner, outer);
            }
        }
    }
}
