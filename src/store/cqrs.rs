//! Any aggregate of the domain as a cqrs-es aggregate, without glue per aggregate.
//!
//! cqrs-es carries the write path: `CqrsFramework` loads through our `EventStore`, `Aggregate::handle` decides,
//! `EventSink` collects, `EventStore::commit` stages. Its snapshot modes are never used (see docs/decisions).

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate as CqrsAggregate, DomainEvent};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

use crate::domain::{Aggregate, Circumstances, Event, Refused, judge};

/// An aggregate of the domain in the shape cqrs-es wants.
#[derive(Debug, Clone, Default)]
pub struct Stream<A>(pub A);

/// An event of the domain in the shape cqrs-es wants; stored exactly as the domain writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Happened<E>(pub E);

impl<E: Event> DomainEvent for Happened<E> {
    fn event_type(&self) -> String {
        self.0.kind().name.to_string()
    }

    fn event_version(&self) -> String {
        self.0.kind().version.to_string()
    }
}

impl<A: Aggregate> CqrsAggregate for Stream<A> {
    const TYPE: &'static str = A::TYPE;
    type Command = A::Command;
    type Event = Happened<A::Event>;
    type Error = Refused;
    type Services = Circumstances;

    async fn handle(
        &mut self,
        command: A::Command,
        at: &Circumstances,
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        for event in judge(&self.0, command, at)? {
            sink.write(Happened(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Happened<A::Event>) {
        self.0.evolve(&event.0);
    }
}

/// cqrs-es asks for these so that it can take snapshots; its snapshots are wrong, so there are none.
impl<A> Serialize for Stream<A> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("aggregates are not stored: the events are"))
    }
}

impl<'de, A> Deserialize<'de> for Stream<A> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("aggregates are not stored: the events are"))
    }
}
