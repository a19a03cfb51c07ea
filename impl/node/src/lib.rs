//! Real containers, images and pod networking on this machine.
