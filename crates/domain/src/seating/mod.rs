//! Seating: plans, layouts, allocation.
