//! The event store on a real PostgreSQL.

use sidebyside::domain::calendar::{Date, FinancialYear};
use sidebyside::domain::fund::{Fund, FundCommand, Opening, RecoveryRule};
use sidebyside::domain::identity::{Actor, PersonId, Reference, ReferenceKind, Role};
use sidebyside::domain::text::Text;
use sidebyside::store::Trouble;
use sidebyside::store::log::Envelope;
use uuid::Uuid;

use crate::world::World;

fn envelope() -> Envelope {
    Envelope {
        command: Uuid::now_v7().into(),
        actor: Actor { person: PersonId(Uuid::from_u128(1)), role: Role::Commissioner },
        effective_on: Date::from_ymd_opt(2026, 6, 1).unwrap(),
        reason: None,
        correlation: None,
        causation: None,
    }
}

fn opening(number: u32) -> FundCommand {
    FundCommand::Open(Opening {
        reference: Reference::new(ReferenceKind::Fund, 2026, number),
        name: Text::new("Harbour fund").unwrap(),
        funder: Text::new("Example council").unwrap(),
        restriction: None,
        spend_from: Date::from_ymd_opt(2026, 4, 1).unwrap(),
        spend_to: Date::from_ymd_opt(2027, 3, 31).unwrap(),
        recovery_rule: RecoveryRule::Recredit,
    })
}

#[tokio::test]
async fn a_fund_is_opened_and_the_projections_move_in_the_same_moment() {
    let world = World::new().await;
    let id = Uuid::now_v7();
    let year = FinancialYear::beginning(2026).unwrap();
    let ((), receipt) = world
        .store
        .decide::<Fund, (), Trouble, _>(envelope(), id, None, |work| {
            Box::pin(async move {
                work.execute::<Fund>(id, opening(1)).await?;
                let allocate = FundCommand::AllocateBudget {
                    amount: "100.00".parse().unwrap(),
                    year,
                    source: Text::new("Minute 1").unwrap(),
                };
                work.execute::<Fund>(id, allocate).await
            })
        })
        .await
        .unwrap();
    assert_eq!(receipt.index, 1);
    let lines: i64 = sqlx::query_scalar("SELECT count(*) FROM views.ledger_line")
        .fetch_one(world.store.pool())
        .await
        .unwrap();
    assert_eq!(lines, 1);
}
